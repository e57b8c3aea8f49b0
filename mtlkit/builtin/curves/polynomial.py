"""A power of the share of the run that is left: as `polynomial` of transformers, `PolynomialLR` of torch.

With `power` 1 this is `linear`. The floor is mixed in as there: (1 - p)^power · (1 - floor) + floor.
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
class Polynomial(Curve):
    """From 1 after the warm-up down to `floor`; with a power above 1 fast at first and slow at the end.

    Helps: no evidence known to us.

    Does not help: no evidence known to us.
    """

    one_peak: ClassVar[bool] = True

    power: Annotated[float, Gt(0)] = option("the power of the share that is left", 2.0)
    floor: Annotated[float, Ge(0), Le(1)] = option("the factor at the end of the run", 0.0)
    warmup: Duration = option("how long the rates rise from 0", Duration(0, "st"))
    rewarm: Duration = option(REWARM, AT_ONCE)
    rewarm_scope: Scope = option(REWARM_SCOPE, "group")

    def factor(self, progress: Progress, age: int) -> float:
        """The factor of the coming step."""
        return rewarmed(warmed(progress, self.warmup, self._fall), progress, age, self.rewarm)

    def _fall(self, done: int, span: int) -> float:
        left = (span - done) / max(1, span)
        return float(left**self.power) * (1 - self.floor) + self.floor
