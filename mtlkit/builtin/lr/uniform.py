"""One rate for every weight."""

from typing import Annotated, ClassVar

from annotated_types import Ge
from attrs import frozen

from mtlkit.contracts.options import option
from mtlkit.contracts.params import ParamTable, Row
from mtlkit.contracts.progress import Progress
from mtlkit.contracts.rates import LRSchedule


@frozen
class Uniform(LRSchedule):
    """A single group, `all`, with a single rate.

    Helps: the usual choice in fine-tuning encoders (Devlin et al. 2019, arXiv:1810.04805): one number to
    search.

    Does not help: where heads and backbone should learn at different speeds; how much that matters, no
    evidence known to us.
    """

    rises_with_depth: ClassVar[bool] = True

    peak: Annotated[float, Ge(0)] = option("the learning rate at the peak of the curve", 5e-5, unit="rate")

    def group(self, row: Row, table: ParamTable) -> str:
        """`all`, for every weight."""
        return "all"

    def rate(self, group: str, progress: Progress, age: int) -> float:
        """The one rate."""
        return self.peak
