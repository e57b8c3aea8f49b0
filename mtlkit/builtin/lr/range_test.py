"""A learning-rate range test: one rate for all weights that rises over the run.

Source: Smith 2015, "Cyclical Learning Rates for Training Neural Networks" (arXiv:1506.01186), §3.3, with a
straight rise; the exponential one is that of fastai's and Lightning's `lr_find`. Read the loss against the
rate: the rate to train with lies where the loss falls fastest, below where it begins to rise.

The rates are this schedule's alone only under the curve `constant` without a warm-up: any other curve
multiplies them.
"""

from typing import Annotated, ClassVar, Literal

from annotated_types import Ge, Gt
from attrs import frozen

from mtlkit.contracts.options import option
from mtlkit.contracts.params import ParamTable, Row
from mtlkit.contracts.progress import Progress
from mtlkit.contracts.rates import LRSchedule


@frozen
class RangeTest(LRSchedule):
    """A single group, `all`: `low` at the first step of the run, `high` at its last.

    Helps: finding the largest rate that still learns in one short run (Smith 2015, arXiv:1506.01186).

    Does not help: as a training run: it ends where training diverges. Whether the rate found is the best
    one for a long run, no evidence known to us.
    """

    rises_with_depth: ClassVar[bool] = True

    low: Annotated[float, Ge(0)] = option("the rate of the first step", 1e-7, unit="rate")
    high: Annotated[float, Gt(0)] = option("the rate of the last step", 1.0, unit="rate")
    rise: Literal["exponential", "linear"] = option(
        "whether steps raise the rate by equal ratios or equal amounts", "exponential"
    )

    def __attrs_post_init__(self) -> None:
        if self.low > self.high:
            raise ValueError(f"low is {self.low} and high {self.high}; low must not be above high")
        if self.rise == "exponential" and self.low == 0:
            raise ValueError("an exponential rise can't start at 0; write a small low, such as 1e-7")

    def group(self, row: Row, table: ParamTable) -> str:
        """`all`, for every weight."""
        return "all"

    def rate(self, group: str, progress: Progress, age: int) -> float:
        """The rate of the coming step; after the end of the run, `high`."""
        last = progress.total - 1
        share = min(1.0, progress.step / last) if last > 0 else 0.0
        if self.rise == "exponential":
            return float(self.low ** (1 - share) * self.high**share)
        return self.low * (1 - share) + self.high * share
