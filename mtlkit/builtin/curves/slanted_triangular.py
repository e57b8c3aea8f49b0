"""A short straight rise and a long straight fall.

Source: Howard & Ruder 2018, "Universal Language Model Fine-tuning for Text Classification" (ULMFiT,
arXiv:1801.06146), §3.1, equation 3: with cut = ⌊T · cut_frac⌋, step t of T has

    p = t / cut for t < cut, then 1 - (t - cut) / (cut · (1/cut_frac - 1)),
    factor = (1 + p · (ratio - 1)) / ratio.

Where T · cut_frac is a whole number, the fall takes the T - cut steps that are left, and this is that
formula. Elsewhere the formula's fall, shortened by the rounding, would go on below 1/ratio before the run
ends; here it always takes the T - cut steps. Where cut is 0 there is no rise.
"""

from fractions import Fraction
from math import floor
from typing import Annotated, ClassVar

from annotated_types import Ge, Gt, Lt
from attrs import frozen

from mtlkit.builtin.curves.rewarm import AT_ONCE, REWARM, REWARM_SCOPE, Scope, rewarmed
from mtlkit.contracts.duration import Duration
from mtlkit.contracts.options import option
from mtlkit.contracts.progress import Progress
from mtlkit.contracts.rates import Curve


@frozen
class SlantedTriangular(Curve):
    """From 1/`ratio` up to 1 at the share `cut_frac` of the run, then down to 1/`ratio` at its end.

    The rise is the warm-up, and 1/`ratio` the floor.

    Helps: text classification with a recurrent language model: the short rise and the long fall are key to
    it by its authors' account, who compare it with a cosine (Howard & Ruder 2018, arXiv:1801.06146, §5).

    Does not help: no evidence known to us.
    """

    one_peak: ClassVar[bool] = True

    cut_frac: Annotated[float, Gt(0), Lt(1)] = option("the share of the run in which the rates rise", 0.1)
    ratio: Annotated[float, Ge(1)] = option("how many times smaller than the peak the lowest rate is", 32.0)
    rewarm: Duration = option(REWARM, AT_ONCE)
    rewarm_scope: Scope = option(REWARM_SCOPE, "group")

    def factor(self, progress: Progress, age: int) -> float:
        """The factor of the coming step; after the end of the run that of step T."""
        part = self._part(min(progress.step, progress.total), progress.total)
        return rewarmed((1 + part * (self.ratio - 1)) / self.ratio, progress, age, self.rewarm)

    def _part(self, step: int, total: int) -> float:
        """The paper's p: 0 at the lowest rate, 1 at the peak."""
        # as the decimal that was written: in binary, 0.29 · 100 is less than 29
        cut = floor(total * Fraction(str(self.cut_frac)))
        return step / cut if step < cut else 1 - (step - cut) / max(1, total - cut)
