"""Half a cosine wave down to the floor: as `cosine` and `cosine_with_min_lr` of transformers.

Source: Loshchilov & Hutter 2017, "SGDR: Stochastic Gradient Descent with Warm Restarts", equation 5,
without restarts.
"""

from math import cos, pi
from typing import Annotated, ClassVar

from annotated_types import Ge, Le
from attrs import frozen

from mtlkit.builtin.curves.rewarm import AT_ONCE, REWARM, REWARM_SCOPE, Scope, rewarmed
from mtlkit.builtin.curves.warmup import warmed
from mtlkit.contracts.duration import Duration
from mtlkit.contracts.options import option
from mtlkit.contracts.progress import Progress
from mtlkit.contracts.rates import Curve


@frozen
class Cosine(Curve):
    """From 1 after the warm-up down to `floor`, slowly at both ends.

    Helps: pre-training of large models, where the wave is as long as the run (Hoffmann et al. 2022,
    arXiv:2203.15556).

    Does not help: where the run ends before the wave does (the same paper). Against `linear` in
    fine-tuning, no evidence known to us.
    """

    one_peak: ClassVar[bool] = True

    floor: Annotated[float, Ge(0), Le(1)] = option("the factor at the end of the run", 0.0)
    warmup: Duration = option("how long the rates rise from 0", Duration(0, "st"))
    rewarm: Duration = option(REWARM, AT_ONCE)
    rewarm_scope: Scope = option(REWARM_SCOPE, "group")

    def factor(self, progress: Progress, age: int) -> float:
        """The factor of the coming step."""
        return rewarmed(warmed(progress, self.warmup, self._fall), progress, age, self.rewarm)

    def _fall(self, done: int, span: int) -> float:
        share = done / max(1, span)
        return 0.5 * (1 + cos(pi * share)) * (1 - self.floor) + self.floor
