"""A rate for each selector: groups as you write them."""

from collections.abc import Mapping
from typing import Annotated, ClassVar

from annotated_types import Ge
from attrs import frozen

from mtlkit.contracts.options import option
from mtlkit.contracts.params import ParamTable, Row
from mtlkit.contracts.progress import Progress
from mtlkit.contracts.rates import LRSchedule
from mtlkit.contracts.selectors import parse

REST = "everything else"
"""The group of what no selector means; no selector reads like this."""


@frozen
class Groups(LRSchedule):
    """One group per selector, called as it is written, and `everything else`.

        [lr.rates]
        "type:bias" = 1e-3
        "blocks[0:6]" = 1e-5
        "head.news | head.topics" = 2e-3

    A weight is in the group of the first selector that means it, in the order of the recipe. A selector
    that means no weight of the model is an error when the plan is made. All groups share the recipe's curve.

    Helps: whatever you mean to try; what is known depends on the rates.

    Does not help: no evidence known to us.
    """

    reads_names: ClassVar[bool] = True

    rates: Mapping[str, Annotated[float, Ge(0)]] = option("selectors and their rates, in order", unit="rate")
    default: Annotated[float, Ge(0)] = option("the rate of what no selector means", unit="rate")

    def __attrs_post_init__(self) -> None:
        for text in self.rates:
            parse(text)

    def group(self, row: Row, table: ParamTable) -> str:
        """The first selector that means the weight."""
        return next((text for text in self.rates if parse(text).matches(row, table)), REST)

    def rate(self, group: str, progress: Progress, age: int) -> float:
        """The rate of that selector."""
        return self.rates.get(group, self.default)

    def patterns(self) -> tuple[str, ...]:
        """All selectors."""
        return tuple(self.rates)

    def tasks(self) -> tuple[str, ...]:
        """The tasks that the selectors name, each once."""
        return tuple(dict.fromkeys(task for text in self.rates for task in parse(text).tasks))
