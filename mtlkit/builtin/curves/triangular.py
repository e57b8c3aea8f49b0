"""Straight rises and falls, again and again: cyclic learning rates, as `CyclicLR` of torch.

Source: Smith 2015, "Cyclical Learning Rates for Training Neural Networks" (arXiv:1506.01186), with the
modes of its code. In torch's terms step_size_up = rise · period and base_lr = floor · max_lr. There the
`gamma` of `exp_range` is a factor per step and lowers the first peak already; here it is the factor per
period, counted from the first peak, so that this one is 1.
"""

from typing import Annotated, Literal

from annotated_types import Ge, Gt, Le, Lt
from attrs import frozen

from mtlkit.builtin.curves.rewarm import AT_ONCE, REWARM, REWARM_SCOPE, Scope, rewarmed
from mtlkit.builtin.curves.warmup import warmed
from mtlkit.contracts.duration import Duration
from mtlkit.contracts.options import option
from mtlkit.contracts.progress import Progress
from mtlkit.contracts.rates import Curve


@frozen
class Triangular(Curve):
    """From `floor` to 1 and back, every `period`; the height above the floor stays or shrinks by mode.

    `triangular` keeps it, `triangular2` halves it with each period, `exp_range` multiplies it by `gamma`
    per period, a little with each step. A warm-up from 0 takes the place of the first rise: the waves begin
    at their first peak. A period shorter than two steps counts as two.

    Helps: image networks from scratch, with a range found by `range-test` (Smith 2015, arXiv:1506.01186).

    Does not help: in fine-tuning, no evidence known to us.
    """

    period: Duration = option("how long a rise and a fall last together", Duration(20, "%"))
    mode: Literal["triangular", "triangular2", "exp_range"] = option("how the height shrinks", "triangular")
    gamma: Annotated[float, Gt(0), Le(1)] = option(
        "the share of the height that a period of exp_range leaves", 0.5
    )
    rise: Annotated[float, Gt(0), Lt(1)] = option("the share of the period in which the rates rise", 0.5)
    floor: Annotated[float, Ge(0), Le(1)] = option("the lowest factor", 0.25)
    warmup: Duration = option("how long the rates rise from 0, instead of the first rise", Duration(0, "st"))
    rewarm: Duration = option(REWARM, AT_ONCE)
    rewarm_scope: Scope = option(REWARM_SCOPE, "group")

    def factor(self, progress: Progress, age: int) -> float:
        """The factor of the coming step."""
        period = max(2, progress.steps(self.period))
        rise = min(max(1, round(self.rise * period)), period - 1)
        begin = rise if progress.steps(self.warmup) else 0
        factor = warmed(progress, self.warmup, lambda done, _span: self._wave(begin + done, period, rise))
        return rewarmed(factor, progress, age, self.rewarm)

    def _wave(self, place: int, period: int, rise: int) -> float:
        cycle, step = divmod(place, period)
        height = step / rise if step <= rise else (period - step) / (period - rise)
        if self.mode == "triangular2":
            height *= 0.5**cycle
        elif self.mode == "exp_range":
            height *= self.gamma ** max(0.0, (place - rise) / period)
        return float(height * (1 - self.floor) + self.floor)
