"""A rate for the embeddings, one for the blocks, one for the heads."""

from collections.abc import Mapping
from typing import Annotated

from annotated_types import Ge
from attrs import frozen

from mtlkit.contracts.options import option
from mtlkit.contracts.params import ParamTable, Row
from mtlkit.contracts.progress import Progress
from mtlkit.contracts.rates import LRSchedule

HEAD = "head."


@frozen
class LayerWise(LRSchedule):
    """Groups `embeddings`, `blocks`, `final` and `head.TASK` for each task.

    Helps: new heads beside pre-trained weights; on quality, no evidence known to us.

    Does not help: no evidence known to us.
    """

    embeddings: Annotated[float, Ge(0)] = option("the rate of everything before the first block", unit="rate")
    blocks: Annotated[float, Ge(0)] = option("the rate of the blocks", unit="rate")
    heads: Annotated[float, Ge(0)] = option("the rate of the heads", unit="rate")
    final: Annotated[float, Ge(0)] | None = option(
        "the rate of what follows the last block; by default blocks", None, unit="rate"
    )
    per_task: Mapping[str, Annotated[float, Ge(0)]] = option(
        "rates of single heads, by task, instead of heads", {}, unit="rate"
    )

    def group(self, row: Row, table: ParamTable) -> str:
        """The part of the model that holds the weight."""
        if row.role == "head":
            return f"{HEAD}{row.owner}"
        return "blocks" if row.role == "block" else row.role

    def rate(self, group: str, progress: Progress, age: int) -> float:
        """The rate of that part."""
        if group.startswith(HEAD):
            return self.per_task.get(group.removeprefix(HEAD), self.heads)
        final = self.blocks if self.final is None else self.final
        return {"embeddings": self.embeddings, "blocks": self.blocks, "final": final}[group]

    def tasks(self) -> tuple[str, ...]:
        """The tasks with a rate of their own."""
        return tuple(self.per_task)
