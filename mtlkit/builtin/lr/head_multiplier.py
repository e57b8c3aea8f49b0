"""One rate for the backbone, so many times that for the heads."""

from typing import Annotated, ClassVar

from annotated_types import Ge
from attrs import frozen

from mtlkit.contracts.options import option
from mtlkit.contracts.params import BACKBONE, ParamTable, Row
from mtlkit.contracts.progress import Progress
from mtlkit.contracts.rates import LRSchedule


@frozen
class HeadMultiplier(LRSchedule):
    """Groups `backbone` and `head.TASK` for each task.

    Helps: new heads beside pre-trained weights; on quality, no evidence known to us.

    Does not help: no evidence known to us.
    """

    rises_with_depth: ClassVar[bool] = True

    peak: Annotated[float, Ge(0)] = option(
        "the rate of the backbone at the peak of the curve", 5e-5, unit="rate"
    )
    multiplier: Annotated[float, Ge(0)] = option("how many times faster the heads learn", 10.0)

    def group(self, row: Row, table: ParamTable) -> str:
        """The backbone, or the head that owns the weight."""
        return BACKBONE if row.role != "head" else f"head.{row.owner}"

    def rate(self, group: str, progress: Progress, age: int) -> float:
        """The rate of the backbone, times the multiplier for a head."""
        return self.peak if group == BACKBONE else self.peak * self.multiplier
