"""How many blocks a number of layers or a share of the depth means."""


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
