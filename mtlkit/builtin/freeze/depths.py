"""How many blocks a number of layers or a share of the depth means, and what thaws from the top."""

from mtlkit.contracts.params import ParamTable, Row


def check_amount(layers: int | None, share: float | None) -> None:
    """Check that exactly one of the two is given.

    Raises:
        ValueError: when both or none are.
    """
    if (layers is None) == (share is None):
        given = "both are given" if layers is not None else "neither is given"
        raise ValueError(f"{given}; write either layers (a number of blocks) or share (0 to 1 of the depth)")


def count_blocks(layers: int | None, share: float | None, depth: int) -> int:
    """The number of blocks meant, from 0 to `depth`; half a block counts as a whole one."""
    if share is not None:
        return min(int(share * depth + 0.5), depth)
    return min(layers or 0, depth)


def thawed_from_the_top(row: Row, table: ParamTable, stage: int, group_size: int) -> bool:
    """Whether the weight trains in that stage of thawing `group_size` blocks at a time, the heads in all.

    With L blocks and groups of g, stage k ≥ 1 trains the final layer and the top k·g blocks, and stage
    ⌈L/g⌉ + 1 everything.
    """
    if row.role == "head":
        return True
    if row.role == "final":
        return stage >= 1
    if row.role == "block":
        return table.depth - row.depth < stage * group_size
    return stage > -(-table.depth // group_size)


def thawed_from_the_bottom(row: Row, table: ParamTable, stage: int, group_size: int) -> bool:
    """As `thawed_from_the_top`, the other way round.

    Stage k ≥ 1 trains the embeddings and the lowest (k - 1)·g blocks, and stage ⌈L/g⌉ + 1 everything.
    """
    if row.role == "head":
        return True
    if row.role == "final":
        return stage > -(-table.depth // group_size)
    return row.depth <= (stage - 1) * group_size
