"""One rate for every weight."""

from typing import Annotated

from annotated_types import Ge
from attrs import frozen

from mtlkit.contracts.options import option
from mtlkit.contracts.params import ParamTable, Row
from mtlkit.contracts.progress import Progress
from mtlkit.contracts.rates import LRSchedule


@frozen
class Uniform(LRSchedule):
    """A single group, `all`, with a single rate."""

    peak: Annotated[float, Ge(0)] = option("the learning rate at the peak of the curve", 5e-5)

    def group(self, row: Row, table: ParamTable) -> str:
        """`all`, for every weight."""
        return "all"

    def rate(self, group: str, progress: Progress, age: int) -> float:
        """The one rate."""
        return self.peak
