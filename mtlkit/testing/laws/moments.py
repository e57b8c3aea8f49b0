"""Moments of runs worth asking about."""

RUNS = ((0, 1), (1, 1), (2, 1), (10, 5), (60, 20), (1000, 100))
"""Total steps and steps per epoch."""
FAR = 10**9


def moments(total: int) -> list[int]:
    """Steps of a run: its ends, both sides of them, a dozen between, twice its length and far beyond."""
    steps = {0, 1, total // 10, total - 1, total, total + 1, 2 * total, FAR}
    return sorted(step for step in steps | {total * part // 12 for part in range(12)} if step >= 0)
