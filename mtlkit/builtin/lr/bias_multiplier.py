"""Biases at a rate of their own, so many times that of the other weights.

The custom is that of Caffe's models (Jia et al. 2014, "Caffe: Convolutional Architecture for Fast Feature
Embedding"), whose layers list `lr_mult: 1` for weights and `lr_mult: 2` for biases.
"""

from typing import Annotated

from annotated_types import Ge
from attrs import frozen

from mtlkit.contracts.options import option
from mtlkit.contracts.params import BACKBONE, ParamTable, Row
from mtlkit.contracts.progress import Progress
from mtlkit.contracts.rates import LRSchedule

HEAD = "head."
BIASES = " biases"


@frozen
class BiasMultiplier(LRSchedule):
    """Groups `backbone` and `head.TASK` for each task, and for each of these one with `biases` behind it.

    A bias is what `type:bias` means; those of norms count as norms. The `multiplier` applies to the biases of
    the heads too. Where only biases are to train at all, see the freeze policy `bias-only`.

    Helps: where biases alone carry much of the change, they stand larger rates: BitFit trains them at 1e-4 to
    1e-2 (Ben-Zaken, Ravfogel & Goldberg 2022, arXiv:2106.10199); beside weights that train, no evidence known
    to us.

    Does not help: no evidence known to us.
    """

    peak: Annotated[float, Ge(0)] = option(
        "the rate of all other weights at the peak of the curve", 5e-5, unit="rate"
    )
    multiplier: Annotated[float, Ge(0)] = option("how many times faster biases learn", 2.0)
    heads: Annotated[float, Ge(0)] | None = option(
        "the rate of the heads' other weights; by default peak", None, unit="rate"
    )

    def group(self, row: Row, table: ParamTable) -> str:
        """The backbone or the head that owns the weight, and whether it is a bias."""
        owner = BACKBONE if row.role != "head" else f"{HEAD}{row.owner}"
        return f"{owner}{BIASES}" if row.kind == "bias" else owner

    def rate(self, group: str, progress: Progress, age: int) -> float:
        """The rate of the owner, times the multiplier for biases."""
        rate = self.heads if group.startswith(HEAD) and self.heads is not None else self.peak
        return rate * self.multiplier if group.endswith(BIASES) else rate
