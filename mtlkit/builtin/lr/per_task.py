"""A rate for each task's head, and one for the backbone that they share."""

from collections.abc import Mapping
from typing import Annotated, ClassVar

from annotated_types import Ge
from attrs import frozen

from mtlkit.contracts.options import option
from mtlkit.contracts.params import BACKBONE, ParamTable, Row
from mtlkit.contracts.progress import Progress
from mtlkit.contracts.rates import LRSchedule

HEAD = "head."


@frozen
class PerTask(LRSchedule):
    """Groups `backbone` and `head.TASK` for each task; a task that is not listed has `heads`.

    The rate of a head is not the weight of its loss: the backbone sees all losses at its own rate.

    Helps: heads of different sizes or tasks with different numbers of rows; on quality, no evidence known
    to us.

    Does not help: as a way to balance tasks in the backbone, which has one rate; use a balancer.
    """

    rises_with_depth: ClassVar[bool] = True

    backbone: Annotated[float, Ge(0)] = option("the rate of the backbone", unit="rate")
    rates: Mapping[str, Annotated[float, Ge(0)]] = option("the rates of heads, by task", {}, unit="rate")
    heads: Annotated[float, Ge(0)] | None = option(
        "the rate of the heads that are not listed; by default backbone", None, unit="rate"
    )

    def group(self, row: Row, table: ParamTable) -> str:
        """The backbone, or the head that owns the weight."""
        return BACKBONE if row.role != "head" else f"{HEAD}{row.owner}"

    def rate(self, group: str, progress: Progress, age: int) -> float:
        """The rate of the backbone or of that task's head."""
        if group == BACKBONE:
            return self.backbone
        rest = self.backbone if self.heads is None else self.heads
        return self.rates.get(group.removeprefix(HEAD), rest)

    def tasks(self) -> tuple[str, ...]:
        """The tasks with a rate of their own."""
        return tuple(self.rates)
