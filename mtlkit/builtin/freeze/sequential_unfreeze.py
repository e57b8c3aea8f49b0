"""Thaw parts one after the other in an order of one's own.

Source: Chronopoulou, Baziotis & Potamianos 2019, "An Embarrassingly Simple Approach for Transfer Learning
from Pretrained Language Models" (arXiv:1902.10547), §3.3, sequential unfreezing: the new layers first, then
the pre-trained ones, then the embeddings. Which order is best depends on the task (Peters, Ruder & Smith
2019, "To Tune or Not to Tune?", arXiv:1903.05987), so here it is written down.
"""

from typing import ClassVar

from attrs import frozen

from mtlkit.builtin.freeze.periods import check_period, periods
from mtlkit.builtin.freeze.selecting import any_means, check_selectors, tasks_in
from mtlkit.contracts.duration import Duration
from mtlkit.contracts.freeze import FreezePolicy
from mtlkit.contracts.options import option
from mtlkit.contracts.params import ParamTable, Row
from mtlkit.contracts.progress import Progress


@frozen
class SequentialUnfreeze(FreezePolicy):
    """What the first selector of `order` means trains at once, and every `every` what the next one means.

    What has thawed stays so. What no selector means trains throughout, so list all that is to wait. Heads are
    parts like any other: `order = ["head.news", "blocks[6:12]", "head.sentiment", "backbone"]` lets one task
    begin before the other. A weight that several selectors mean thaws with the first of them.

    Helps: with few rows, the new layers, the pre-trained ones and the embeddings being three parts, as one
    part of a method that did better than ULMFiT in text classification with a recurrent language model
    (Chronopoulou, Baziotis & Potamianos 2019, arXiv:1902.10547).

    Does not help: no evidence known to us.
    """

    monotone: ClassVar[bool] = True

    order: tuple[str, ...] = option("selectors of the parts, in the order in which they thaw")
    every: Duration = option("how long it takes from one part to the next")

    def __attrs_post_init__(self) -> None:
        check_period(self.every, "a stage")
        check_selectors(self.order, "order")

    def phase(self, progress: Progress) -> int:
        """How many parts have thawed after the first."""
        return min(periods(progress, self.every), len(self.order) - 1)

    def trainable(self, row: Row, table: ParamTable, phase: int | str) -> bool:
        """Whether one of the thawed parts has the weight, or none has it."""
        thawed = self.order[: int(phase) + 1]
        return any_means(thawed, row, table) or not any_means(self.order, row, table)

    def stages(self) -> tuple[int, ...]:
        """One for each part."""
        return tuple(range(len(self.order)))

    def patterns(self) -> tuple[str, ...]:
        """The selectors."""
        return self.order

    def tasks(self) -> tuple[str, ...]:
        """The tasks that the selectors name."""
        return tasks_in(self.order)
