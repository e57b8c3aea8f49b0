"""A staircase of equal steps: as `StepLR` of torch."""

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
class Step(Curve):
    """1 after the warm-up, then `gamma` times less with every `every`, towards `floor`.

    The k-th stair is gamma^k · (1 - floor) + floor high. Stairs are at least one step long.

    Helps: image networks from scratch, as `multistep`.

    Does not help: no evidence known to us.
    """

    one_peak: ClassVar[bool] = True

    every: Duration = option("how long a stair is", Duration(1, "ep"))
    gamma: Annotated[float, Gt(0), Le(1)] = option("the height of the next stair, above the floor", 0.1)
    floor: Annotated[float, Ge(0), Le(1)] = option("the factor that the stairs go down to", 0.0)
    warmup: Duration = option("how long the rates rise from 0", Duration(0, "st"))
    rewarm: Duration = option(REWARM, AT_ONCE)
    rewarm_scope: Scope = option(REWARM_SCOPE, "group")

    def __attrs_post_init__(self) -> None:
        if self.every.amount <= 0:
            raise ValueError(f"every is '{self.every}'; a stair must be longer than nothing")

    def factor(self, progress: Progress, age: int) -> float:
        """The factor of the coming step."""
        length = max(1, progress.steps(self.every))
        factor = warmed(progress, self.warmup, lambda done, _span: self._height(done // length))
        return rewarmed(factor, progress, age, self.rewarm)

    def _height(self, stair: int) -> float:
        return float(self.gamma**stair * (1 - self.floor) + self.floor)
