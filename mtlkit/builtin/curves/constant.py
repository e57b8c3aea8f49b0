"""A rate that stays: as `constant_with_warmup` of transformers."""

from typing import ClassVar

from attrs import frozen

from mtlkit.builtin.curves.rewarm import AT_ONCE, REWARM, REWARM_SCOPE, Scope, rewarmed
from mtlkit.builtin.curves.warmup import warmed
from mtlkit.contracts.duration import Duration
from mtlkit.contracts.options import option
from mtlkit.contracts.progress import Progress
from mtlkit.contracts.rates import Curve


@frozen
class Constant(Curve):
    """1 after the warm-up.

    Helps: runs whose length is not yet known, and checkpoints to go on from. T5 is fine-tuned with it
    (Raffel et al. 2020, arXiv:1910.10683).

    Does not help: at the end of a run: a fall to 0 brings the loss down further (Hägele et al. 2024,
    arXiv:2405.18392).
    """

    one_peak: ClassVar[bool] = True

    warmup: Duration = option("how long the rates rise from 0", Duration(0, "st"))
    rewarm: Duration = option(REWARM, AT_ONCE)
    rewarm_scope: Scope = option(REWARM_SCOPE, "group")

    def factor(self, progress: Progress, age: int) -> float:
        """The factor of the coming step."""
        factor = warmed(progress, self.warmup, lambda _done, _span: 1.0)
        return rewarmed(factor, progress, age, self.rewarm)
