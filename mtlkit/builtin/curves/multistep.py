"""A staircase with stairs where you say: as `MultiStepLR` of torch."""

from typing import Annotated, ClassVar

from annotated_types import Ge, Gt, Le
from attrs import frozen

from mtlkit.builtin.curves.rewarm import AT_ONCE, REWARM, REWARM_SCOPE, Scope, rewarmed
from mtlkit.builtin.curves.warmup import warmed
from mtlkit.contracts.duration import Duration
from mtlkit.contracts.options import option
from mtlkit.contracts.progress import Progress
from mtlkit.contracts.rates import Curve


@frozen
class Multistep(Curve):
    """1 after the warm-up, then `gamma` times less from each milestone on, towards `floor`.

    Milestones are counted from the end of the warm-up, so that the peak is always reached. Their order is
    nothing; two at one place count twice. After k of them the factor is gamma^k · (1 - floor) + floor.

    Helps: image networks from scratch, where it was long the standard (He et al. 2016, arXiv:1512.03385).

    Does not help: no evidence known to us.
    """

    one_peak: ClassVar[bool] = True

    milestones: tuple[Duration, ...] = option("when the rates fall, counted from the end of the warm-up")
    gamma: Annotated[float, Gt(0), Le(1)] = option(
        "what a milestone leaves of the height above the floor", 0.1
    )
    floor: Annotated[float, Ge(0), Le(1)] = option("the factor that the stairs go down to", 0.0)
    warmup: Duration = option("how long the rates rise from 0", Duration(0, "st"))
    rewarm: Duration = option(REWARM, AT_ONCE)
    rewarm_scope: Scope = option(REWARM_SCOPE, "group")

    def __attrs_post_init__(self) -> None:
        if not self.milestones:
            raise ValueError("milestones is empty; write at least one, or use the curve 'constant'")
        for milestone in self.milestones:
            if milestone.amount <= 0:
                raise ValueError(f"a milestone is '{milestone}'; it must come after the start")

    def factor(self, progress: Progress, age: int) -> float:
        """The factor of the coming step."""
        ends = [max(1, progress.steps(milestone)) for milestone in self.milestones]
        factor = warmed(
            progress, self.warmup, lambda done, _span: self._height(sum(done >= end for end in ends))
        )
        return rewarmed(factor, progress, age, self.rewarm)

    def _height(self, stair: int) -> float:
        return float(self.gamma**stair * (1 - self.floor) + self.floor)
