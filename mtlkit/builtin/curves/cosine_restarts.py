"""Half cosine waves one after the other, each from the top: SGDR.

Source: Loshchilov & Hutter 2017, "SGDR: Stochastic Gradient Descent with Warm Restarts", equation 5 with
restarts. There the first cycle has a length T₀ and every other one is `t_mult` times as long as the one
before; here the lengths keep those proportions and fill the run from the end of the warm-up on, so that it
ends at the foot of a wave. With `t_mult` 1 this is `cosine_with_restarts` of transformers, else
`CosineAnnealingWarmRestarts` of torch with T₀ = span · (t_mult - 1) / (t_mult^cycles - 1).
"""

from bisect import bisect_right
from math import cos, expm1, log, pi
from typing import Annotated

from annotated_types import Ge, Gt, Le
from attrs import frozen

from mtlkit.builtin.curves.rewarm import AT_ONCE, REWARM, REWARM_SCOPE, Scope, rewarmed
from mtlkit.builtin.curves.warmup import warmed
from mtlkit.contracts.duration import Duration
from mtlkit.contracts.options import option
from mtlkit.contracts.progress import Progress
from mtlkit.contracts.rates import Curve

ROUNDING = 1e-12


@frozen
class CosineRestarts(Curve):
    """`cycles` falls from the peak to `floor`; the peak of each is `decay` times that of the one before.

    Helps: image networks from scratch: good results early, and a model to keep at the foot of each wave
    (Loshchilov & Hutter 2017, arXiv:1608.03983; Huang et al. 2017, "Snapshot Ensembles", arXiv:1704.00109).

    Does not help: right after a restart, when the loss is worse for a while. In fine-tuning, no evidence
    known to us.
    """

    cycles: Annotated[int, Ge(1), Le(10_000)] = option("how many waves the run has", unit="waves")
    t_mult: Annotated[float, Ge(1), Le(100)] = option("how much longer the next wave is", 1.0)
    decay: Annotated[float, Gt(0), Le(1)] = option("how high the next wave begins, above the floor", 1.0)
    floor: Annotated[float, Ge(0), Le(1)] = option("the factor at the end of each wave", 0.0)
    warmup: Duration = option("how long the rates rise from 0", Duration(0, "st"))
    rewarm: Duration = option(REWARM, AT_ONCE)
    rewarm_scope: Scope = option(REWARM_SCOPE, "group")

    def factor(self, progress: Progress, age: int) -> float:
        """The factor of the coming step."""
        return rewarmed(warmed(progress, self.warmup, self._wave), progress, age, self.rewarm)

    def _wave(self, done: int, span: int) -> float:
        if done == 0:
            return 1.0
        place = done / span
        # A step that is the first of a wave must not count to the one before because of rounding.
        cycle = bisect_right(range(1, self.cycles), place + ROUNDING, key=self._begin)
        begin, end = self._begin(cycle), self._begin(cycle + 1)
        share = min(1.0, max(0.0, (place - begin) / (end - begin)))
        return float(0.5 * (1 + cos(pi * share)) * self.decay**cycle * (1 - self.floor) + self.floor)

    def _begin(self, cycle: int) -> float:
        """The share of the span before that wave: Σ t_mult^i for i < cycle, over the same for all waves."""
        growth = log(self.t_mult)
        if growth == 0:
            return cycle / self.cycles
        return 1 - expm1(-(self.cycles - cycle) * growth) / expm1(-self.cycles * growth)
