"""Up to the peak and down far below the start, once: as `OneCycleLR` of torch.

Source: Smith 2018, "A disciplined approach to neural network hyper-parameters: Part 1" (arXiv:1803.09820),
and Smith & Topin 2018, "Super-Convergence" (arXiv:1708.07120), with three phases; torch and fastai have two.

Steps are counted as in torch, not as in the other curves: the first step of the run has the factor
`start`, the last one of the rise the factor 1, the last one of the run `floor`. With torch's names
warmup = pct_start · total, start = 1 / div_factor, floor = 1 / (div_factor · final_div_factor), and the
shapes are its `anneal_strategy`. Momentum stays as it is.
"""

from itertools import pairwise
from math import cos, pi
from typing import Annotated, ClassVar, Literal

from annotated_types import Ge, Le
from attrs import frozen

from mtlkit.builtin.curves.rewarm import AT_ONCE, REWARM, REWARM_SCOPE, Scope, rewarmed
from mtlkit.contracts.duration import Duration
from mtlkit.contracts.options import option
from mtlkit.contracts.progress import Progress
from mtlkit.contracts.rates import Curve


@frozen
class OneCycle(Curve):
    """From `start` to 1 over `warmup`, then to `floor`; with `three_phase` back to `start` in between.

    The fall of three phases to `start` is as long as the rise, or what is left of the run.

    Helps: short training of image networks from scratch at high rates (Smith & Topin 2018,
    arXiv:1708.07120).

    Does not help: in fine-tuning, no evidence known to us.
    """

    one_peak: ClassVar[bool] = True

    warmup: Duration = option("how long the rates rise from start", Duration(30, "%"))
    start: Annotated[float, Ge(0), Le(1)] = option("the factor of the first step", 0.04)
    floor: Annotated[float, Ge(0), Le(1)] = option("the factor of the last step", 4e-6)
    shape: Literal["cosine", "linear"] = option("the form of rise and fall", "cosine")
    three_phase: bool = option("whether the fall has two parts, the first one as long as the rise", False)
    rewarm: Duration = option(REWARM, AT_ONCE)
    rewarm_scope: Scope = option(REWARM_SCOPE, "group")

    def __attrs_post_init__(self) -> None:
        if self.three_phase and self.floor > self.start:
            raise ValueError(
                f"floor is {self.floor} and start {self.start}; the third phase falls from start to floor"
            )

    def factor(self, progress: Progress, age: int) -> float:
        """The factor of the coming step; after the last step that of the last."""
        last = max(0, progress.total - 1)
        peak = max(0, min(progress.steps(self.warmup) - 1, last))
        return rewarmed(self._at(min(progress.step, last), peak, last), progress, age, self.rewarm)

    def _at(self, step: int, peak: int, last: int) -> float:
        corners = [(0, self.start), (peak, 1.0), (last, self.floor)]
        if self.three_phase:
            corners.insert(2, (min(2 * peak, last), self.start))
        for (begin, before), (end, after) in pairwise(corners):
            if step <= end:
                return self._between(before, after, (step - begin) / (end - begin) if begin < end else 1.0)
        return self.floor

    def _between(self, before: float, after: float, share: float) -> float:
        passed = 0.5 * (1 - cos(pi * share)) if self.shape == "cosine" else share
        return before + (after - before) * passed
