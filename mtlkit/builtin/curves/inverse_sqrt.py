"""One over the square root of time: as `inverse_sqrt` of transformers.

With t the timescale and d the steps since the warm-up, the factor is √(t / (t + d)). Source: Vaswani et
al. 2017, "Attention Is All You Need", equation 3 ("Noam"): there the timescale is the warm-up, as here by
default, and the peak is (hidden size · warm-up)^-½, a number that belongs to the rate.
"""

from math import sqrt
from typing import Annotated, ClassVar

from annotated_types import Ge, Le
from attrs import frozen

from mtlkit.builtin.curves.rewarm import AT_ONCE, REWARM, REWARM_SCOPE, Scope, rewarmed
from mtlkit.builtin.curves.warmup import warmed
from mtlkit.contracts.duration import Duration
from mtlkit.contracts.options import option
from mtlkit.contracts.progress import Progress
from mtlkit.contracts.rates import Curve

TENTH = Duration(10, "%")


@frozen
class InverseSqrt(Curve):
    """From 1 after the warm-up towards `floor`, never there: after t steps 0.71, after 3 · t steps 0.5.

    These numbers hold for a floor of 0; a floor f makes x of them into x · (1 - f) + f.

    Helps: runs whose length is not known at the start; transformers from scratch (Vaswani et al. 2017,
    arXiv:1706.03762).

    Does not help: as the end of a run: a fall to 0 after it does better (Zhai et al. 2022, "Scaling Vision
    Transformers", arXiv:2106.04560).
    """

    one_peak: ClassVar[bool] = True

    warmup: Duration = option("how long the rates rise from 0", Duration(0, "st"))
    timescale: Duration | None = option(
        "after how long half of the squared rate is left; by default the warm-up, 10% of a run without one",
        None,
    )
    floor: Annotated[float, Ge(0), Le(1)] = option("the factor that the rates fall towards", 0.0)
    rewarm: Duration = option(REWARM, AT_ONCE)
    rewarm_scope: Scope = option(REWARM_SCOPE, "group")

    def __attrs_post_init__(self) -> None:
        if self.timescale is not None and self.timescale.amount <= 0:
            raise ValueError(f"timescale is '{self.timescale}'; it must be longer than nothing")

    def factor(self, progress: Progress, age: int) -> float:
        """The factor of the coming step."""
        scale = self._timescale(progress)
        factor = warmed(progress, self.warmup, lambda done, _span: self._fall(done, scale))
        return rewarmed(factor, progress, age, self.rewarm)

    def _fall(self, done: int, scale: int) -> float:
        return sqrt(scale / (scale + done)) * (1 - self.floor) + self.floor

    def _timescale(self, progress: Progress) -> int:
        if self.timescale is not None:
            return max(1, progress.steps(self.timescale))
        return progress.steps(self.warmup) or max(1, progress.steps(TENTH))
