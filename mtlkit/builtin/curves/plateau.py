"""Less whenever a metric has stopped getting better: as `ReduceLROnPlateau` of torch.

A pure function of the metric log: it is read from its beginning each time, so a resumed run has the rates
of one that never stopped. A plan is drawn without measurements and shows the rates as if every one were
better than the last. Unlike torch, a measurement that is NaN counts as not made (there as a bad one), and no
reduction is too small to be made (`eps` there).
"""

from math import isnan
from typing import Annotated, ClassVar, Literal

from annotated_types import Ge, Gt, Le, Lt
from attrs import frozen

from mtlkit.builtin.curves.rewarm import AT_ONCE, REWARM, REWARM_SCOPE, Scope, rewarmed
from mtlkit.builtin.curves.warmup import warmed
from mtlkit.contracts.duration import Duration
from mtlkit.contracts.options import option
from mtlkit.contracts.progress import Progress
from mtlkit.contracts.rates import Curve


@frozen
class Plateau(Curve):
    """1 after the warm-up; `reduction` times less after more than `patience` measurements without a new best.

    A value is a new best where it beats the best by more than `threshold`: with `rel` that share of the best,
    with `abs` that amount. The `cooldown` measurements after a reduction count for nothing but the best.
    The factor does not go below `floor`. What is measured before the end of the warm-up does not count.

    Helps: where the length of a run is hard to guess and evaluations are frequent; on quality, no evidence
    known to us.

    Does not help: where evaluations are few, or so noisy that a new best comes by chance.
    """

    one_peak: ClassVar[bool] = True

    metric: str = option("the metric to watch, TASK/NAME")
    mode: Literal["max", "min"] = option("whether more or less is better", "max")
    reduction: Annotated[float, Gt(0), Lt(1)] = option("what a reduction leaves of the rates", 0.1)
    patience: Annotated[int, Ge(0)] = option("how many bad measurements are borne", 10, unit="measurements")
    cooldown: Annotated[int, Ge(0)] = option("how long it rests after a reduction", 0, unit="measurements")
    threshold: Annotated[float, Ge(0)] = option("by how much a new best must be better", 1e-4)
    threshold_mode: Literal["rel", "abs"] = option("whether threshold is a share of the best", "rel")
    floor: Annotated[float, Ge(0), Le(1)] = option("the lowest factor", 0.0)
    warmup: Duration = option("how long the rates rise from 0", Duration(0, "st"))
    rewarm: Duration = option(REWARM, AT_ONCE)
    rewarm_scope: Scope = option(REWARM_SCOPE, "group")

    def factor(self, progress: Progress, age: int) -> float:
        """The factor of the coming step, by what has been measured so far."""
        level = max(self.floor, self.reduction ** self._reductions(progress))
        factor = warmed(progress, self.warmup, lambda _done, _span: level)
        return rewarmed(factor, progress, age, self.rewarm)

    def metrics(self) -> tuple[str, ...]:
        """The metric that it watches."""
        return (self.metric,)

    def _reductions(self, progress: Progress) -> int:
        warm = progress.steps(self.warmup)
        values = {
            entry.step: entry.value
            for entry in progress.metrics
            if entry.metric == self.metric and entry.step >= warm and not isnan(entry.value)
        }
        best: float | None = None
        bad = resting = count = 0
        for _, value in sorted(values.items()):
            if best is None or self._is_better(value, best):
                best, bad = value, 0
            else:
                bad += 1
            if resting > 0:
                resting, bad = resting - 1, 0
            if bad > self.patience:
                count, resting, bad = count + 1, self.cooldown, 0
        return count

    def _is_better(self, value: float, best: float) -> bool:
        sign = 1 if self.mode == "max" else -1
        if self.threshold_mode == "rel":
            return sign * value > sign * best * (1 + sign * self.threshold)
        return sign * value > sign * best + self.threshold
