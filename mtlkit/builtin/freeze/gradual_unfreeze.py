"""Thaw the backbone from the top, a few blocks at a time.

Source: Howard & Ruder 2018, "Universal Language Model Fine-tuning for Text Classification" (ULMFiT),
§3.3. What follows the last block (a final norm, a pooler) is no layer of its own: it thaws together
with the topmost blocks. The embeddings are the last stage.
"""

from typing import Annotated, ClassVar, Literal

from annotated_types import Ge
from attrs import frozen

from mtlkit.builtin.freeze.depths import thawed_from_the_bottom, thawed_from_the_top
from mtlkit.builtin.freeze.periods import check_period, periods
from mtlkit.contracts.duration import Duration
from mtlkit.contracts.freeze import FreezePolicy
from mtlkit.contracts.options import option
from mtlkit.contracts.params import ParamTable, Row
from mtlkit.contracts.progress import Progress


@frozen
class GradualUnfreeze(FreezePolicy):
    """Stage 0 trains the heads alone; each later stage adds `group_size` blocks, counted from the top.

    With L blocks and groups of g, stage k ≥ 1 trains the final layer and the top k·g blocks, and stage
    ⌈L/g⌉ + 1 everything. With `order` "up" it is stage k ≥ 1 that trains the embeddings and the lowest
    (k - 1)·g blocks. Stage k begins after `start` plus k times `every`; no two stages begin at the same step.

    Helps: with few rows: text classification with a recurrent language model (Howard & Ruder 2018,
    arXiv:1801.06146, their ablation). The first stages are cheap.

    Does not help: on T5 it made results slightly worse on the tasks tried, and training somewhat faster
    (Raffel et al. 2020, arXiv:1910.10683, §3.5.1).
    """

    monotone: ClassVar[bool] = True

    every: Duration = option("how long each stage lasts")
    group_size: Annotated[int, Ge(1)] = option("how many blocks thaw at once", 1, unit="blocks")
    start: Duration = option(
        "how long the backbone stays frozen before the first stage is counted", Duration(0, "st")
    )
    order: Literal["down", "up"] = option(
        "from the last block to the embeddings (down, as in the paper), or up", "down"
    )

    def __attrs_post_init__(self) -> None:
        check_period(self.every, "a stage")

    def phase(self, progress: Progress) -> int:
        """The stage: how many times `every` fits into the steps since `start`."""
        return periods(progress, self.every, progress.steps(self.start))

    def trainable(self, row: Row, table: ParamTable, phase: int | str) -> bool:
        """Whether the weight has thawed in that stage."""
        thawed = thawed_from_the_top if self.order == "down" else thawed_from_the_bottom
        return thawed(row, table, int(phase), self.group_size)
