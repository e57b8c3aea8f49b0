"""Groups by layer, for the schedules whose rates depend on how deep a weight lies."""

from mtlkit.contracts.params import ParamTable, Row

HEAD = "head."
FINAL = "final"
EMBEDDINGS = "embeddings"


def layer_of(row: Row, table: ParamTable) -> str:
    """`embeddings/L`, `block i/L` with i from 1 to L, `final`, or `head.TASK`.

    The number of blocks L is in the name, since `rate` sees no more than that.
    """
    if row.role == "head":
        return f"{HEAD}{row.owner}"
    if row.role == "final":
        return FINAL
    return f"block {row.depth}/{table.depth}" if row.role == "block" else f"{EMBEDDINGS}/{table.depth}"


def place_of(group: str) -> tuple[int, int]:
    """Depth and number of blocks that a group of embeddings or of a block is named for."""
    layer, _, blocks = group.partition("/")
    return 0 if layer == EMBEDDINGS else int(layer.removeprefix("block ")), int(blocks)
