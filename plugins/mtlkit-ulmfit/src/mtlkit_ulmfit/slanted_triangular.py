"""A short straight rise and a long straight fall (STLR).

Source: Howard & Ruder 2018, "Universal Language Model Fine-tuning for Text Classification" (ULMFiT, ACL),
§3.1, equation 3, for step t of T:

    cut = floor(T · cut_frac)
    p   = t / cut                                  where t < cut
          1 - (t - cut) / (cut · (1/cut_frac - 1)) otherwise
    factor = (1 + p · (ratio - 1)) / ratio

The paper leaves two cases open. Where T · cut_frac is no whole number, `cut` is rounded down and the fall
shortened with it, so that p would go below 0 before the end, and the rate with it: p stays at 0 then, the
factor at 1/ratio. Where T · cut_frac < 1, `cut` is 0 and the second line divides by 0: there is no rise then,
and p falls from 1 at step 0 to 0 at step T, the length that cut · (1/cut_frac - 1) + cut stands for.
"""

from fractions import Fraction
from math import floor
from typing import Annotated, ClassVar

from annotated_types import Ge, Gt, Lt
from attrs import frozen
from mtlkit import Curve, Progress, option


@frozen
class SlantedTriangular(Curve):
    """From 1/`ratio` up to 1 at step floor(T · `cut_frac`), then down to 1/`ratio`, where it stays.

    `cut_frac` counts as the decimal number it is written as: 0.29 of 100 steps are 29. Runs of one or more
    steps train one with the factor 1; a run of no steps has the factor 1 throughout. It has no `Duration`
    and does not stretch: rounding `cut` down by less than a step shortens the fall by up to 1/`cut_frac`.
    """

    stretches: ClassVar[bool] = False

    cut_frac: Annotated[float, Gt(0), Lt(1)] = option("the share of the run in which the rates rise", 0.1)
    ratio: Annotated[float, Ge(1)] = option("how much smaller the lowest rate is than the peak", 32.0)

    def factor(self, progress: Progress, age: int) -> float:
        """The factor of the coming step; after the end of the run that of step T."""
        part = self._part(min(progress.step, progress.total), progress.total)
        return (1 + max(0.0, part) * (self.ratio - 1)) / self.ratio

    def _part(self, step: int, total: int) -> float:
        """The paper's p: 0 at the lowest rate, 1 at the peak."""
        # As a decimal: in binary, 0.29 · 100 is less than 29.
        cut = floor(total * Fraction(str(self.cut_frac)))
        if step < cut:
            return step / cut
        fall = cut * (1 / self.cut_frac - 1) if cut else max(1, total)
        return 1 - (step - cut) / fall
