"""A rate that stays: as `constant_with_warmup` of transformers."""

from attrs import frozen

from mtlkit.builtin.curves.warmup import warmed
from mtlkit.contracts.duration import Duration
from mtlkit.contracts.options import option
from mtlkit.contracts.progress import Progress
from mtlkit.contracts.rates import Curve


@frozen
class Constant(Curve):
    """1 after the warm-up."""

    warmup: Duration = option("how long the rates rise from 0", Duration(0, "st"))

    def factor(self, progress: Progress, age: int) -> float:
        """The factor of the coming step."""
        return warmed(progress, self.warmup, lambda _done, _span: 1.0)
