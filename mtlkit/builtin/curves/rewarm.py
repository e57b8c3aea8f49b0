"""Rising again after a thaw, shared by the curves: the texts of two options, and one factor.

A group that first trains at a step after 0, or trains again after a rest, begins with rates that others
have grown into, and with an optimizer state of zeros. Over the first n steps after its thaw its factor is
multiplied by 1/n, 2/n … 1, so that a group that has thawed always moves. What trains from the first step
on rises by `warmup` alone.

A group thaws as a whole, when its first weight trains: under a schedule with a single group, such as
`uniform`, nothing thaws after the start.
"""

from typing import Literal

from mtlkit.contracts.duration import Duration
from mtlkit.contracts.progress import Progress

Scope = Literal["group", "all"]
REWARM = "how long the rates of a group rise after it thaws during the run"
REWARM_SCOPE = "which rates rise again after a thaw: those of the group that thawed, or all"
AT_ONCE = Duration(0, "st")


def rewarmed(factor: float, progress: Progress, age: int, length: Duration) -> float:
    """`factor` times min(1, (age + 1)/n), n steps being `length`, for a group that thawed after step 0.

    From the end of the run on the age is what it was there.
    """
    late = max(0, progress.step - progress.total)
    step, age = progress.step - late, max(0, age - late)
    steps = progress.steps(length)
    return factor if age >= step or age + 1 >= steps else factor * (age + 1) / steps
