"""Linear warm-up, shared by the curves: 0 at the first step, 1 when the warm-up is over.

The counting is that of `transformers.get_scheduler`: step s of a warm-up of w steps has the factor s/w.
"""

from collections.abc import Callable

from mtlkit.contracts.duration import Duration
from mtlkit.contracts.progress import Progress


def warmed(progress: Progress, warmup: Duration, after: Callable[[int, int], float]) -> float:
    """The warm-up's factor while it lasts, then `after(done, span)`.

    `span` counts the steps from the end of the warm-up to the end of the run and `done` those passed
    of it, so 0 ≤ done ≤ span: a moment after the end of the run counts as its end.
    """
    step = min(progress.step, progress.total)
    length = progress.steps(warmup)
    if step < length:
        return step / length
    return after(step - length, progress.total - length)
