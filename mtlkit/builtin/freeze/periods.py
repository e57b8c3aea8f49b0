"""How many times a duration fits into the steps so far."""

from bisect import bisect_right

from mtlkit.contracts.duration import Duration
from mtlkit.contracts.progress import Progress


def check_period(every: Duration, what: str) -> None:
    """Check that the duration is longer than nothing; `what` is what lasts that long.

    Raises:
        ValueError: when it is not.
    """
    if every.amount <= 0:
        raise ValueError(f"every is '{every}'; {what} must last longer than nothing")


def periods(progress: Progress, every: Duration, start: int = 0) -> int:
    """How many times `every` fits into the steps since step `start`; at most once per step.

    Multiples of the unrounded length count, so that periods of half an epoch do not drift.
    """
    passed = progress.step - start
    if passed <= 0:
        return 0
    return bisect_right(
        range(1, passed + 1),
        passed,
        key=lambda count: progress.steps(Duration(count * every.amount, every.unit)),
    )
