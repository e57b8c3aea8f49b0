"""ULMFiT's rates in one schedule: discriminative from layer to layer, slanted triangular over the run.

Source: Howard & Ruder 2018, "Universal Language Model Fine-tuning for Text Classification" (ULMFiT, ACL),
§3.1 and 3.2. With gradual unfreezing, which is mtlkit's `gradual-unfreeze`, it is the paper's fine-tuning.
"""

from typing import Annotated

from annotated_types import Ge, Gt, Lt
from attrs import frozen
from mtlkit import LRSchedule, ParamTable, Progress, Row, option

from mtlkit_ulmfit.discriminative import Discriminative
from mtlkit_ulmfit.slanted_triangular import SlantedTriangular


@frozen
class Ulmfit(LRSchedule):
    """The rate of a layer is that of `ulmfit-discriminative` times the factor of `ulmfit-slanted-triangular`.

    The defaults are the paper's. A recipe that uses it needs no curve; one that names a curve has both.
    """

    peak: Annotated[float, Ge(0)] = option(
        "the rate of the heads at the top of the triangle", 0.01, unit="rate"
    )
    factor: Annotated[float, Ge(1)] = option("how many times slower the next lower layer learns", 2.6)
    cut_frac: Annotated[float, Gt(0), Lt(1)] = option("the share of the run in which the rates rise", 0.1)
    ratio: Annotated[float, Ge(1)] = option("how much smaller the lowest rate is than the peak", 32.0)

    def group(self, row: Row, table: ParamTable) -> str:
        """The layer of the weight, as `ulmfit-discriminative` names it."""
        return Discriminative(self.peak, self.factor).group(row, table)

    def rate(self, group: str, progress: Progress, age: int) -> float:
        """The rate of that layer at this step; all layers are at the same place of the triangle."""
        rate = Discriminative(self.peak, self.factor).rate(group, progress, age)
        return rate * SlantedTriangular(self.cut_frac, self.ratio).factor(progress, age)
