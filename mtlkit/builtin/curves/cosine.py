"""Half a cosine wave down to the floor: as `cosine` and `cosine_with_min_lr` of transformers.

Source: Loshchilov & Hutter 2017, "SGDR: Stochastic Gradient Descent with Warm Restarts", equation 5,
without restarts.
"""

from math import cos, pi
from typing import Annotated

from annotated_types import Ge, Le
from attrs import frozen

from mtlkit.builtin.curves.warmup import warmed
from mtlkit.contracts.duration import Duration
from mtlkit.contracts.options import option
from mtlkit.contracts.progress import Progress
from mtlkit.contracts.rates import Curve


@frozen
class Cosine(Curve):
    """From 1 after the warm-up down to `floor`, slowly at both ends."""

    floor: Annotated[float, Ge(0), Le(1)] = option("the factor at the end of the run", 0.0)
    warmup: Duration = option("how long the rates rise from 0", Duration(0, "st"))

    def factor(self, progress: Progress, age: int) -> float:
        """The factor of the coming step."""
        return warmed(progress, self.warmup, self._fall)

    def _fall(self, done: int, span: int) -> float:
        share = done / max(1, span)
        return 0.5 * (1 + cos(pi * share)) * (1 - self.floor) + self.floor
