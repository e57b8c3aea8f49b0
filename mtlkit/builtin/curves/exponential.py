"""The same factor with every step: as `ExponentialLR` of torch.

torch's gamma is that of `every = "1st"`; where its scheduler is called once an epoch, that of "1ep", in a
staircase that `step` has.
"""

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
class Exponential(Curve):
    """1 after the warm-up; d steps later gamma^(d / every) · (1 - floor) + floor.

    Helps: no evidence known to us.

    Does not help: no evidence known to us.
    """

    one_peak: ClassVar[bool] = True

    gamma: Annotated[float, Gt(0), Le(1)] = option(
        "what is left of the height above the floor after every", 0.1
    )
    every: Duration = option("after how long that much is left", Duration(100, "%"))
    floor: Annotated[float, Ge(0), Le(1)] = option("the factor that the rates fall towards", 0.0)
    warmup: Duration = option("how long the rates rise from 0", Duration(0, "st"))
    rewarm: Duration = option(REWARM, AT_ONCE)
    rewarm_scope: Scope = option(REWARM_SCOPE, "group")

    def __attrs_post_init__(self) -> None:
        if self.every.amount <= 0:
            raise ValueError(f"every is '{self.every}'; it must be longer than nothing")

    def factor(self, progress: Progress, age: int) -> float:
        """The factor of the coming step."""
        length = max(1, progress.steps(self.every))
        factor = warmed(progress, self.warmup, lambda done, _span: self._height(done / length))
        return rewarmed(factor, progress, age, self.rewarm)

    def _height(self, passed: float) -> float:
        return float(self.gamma**passed * (1 - self.floor) + self.floor)
