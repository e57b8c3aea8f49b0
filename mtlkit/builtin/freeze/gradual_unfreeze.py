"""Thaw the backbone from the top, a few blocks at a time.

Source: Howard & Ruder 2018, "Universal Language Model Fine-tuning for Text Classification" (ULMFiT),
§3.3. What follows the last block (a final norm, a pooler) is no layer of its own: it thaws together
with the topmost blocks. The embeddings are the last stage.
"""

from bisect import bisect_right
from typing import Annotated

from annotated_types import Ge
from attrs import frozen

from mtlkit.contracts.duration import Duration
from mtlkit.contracts.freeze import FreezePolicy
from mtlkit.contracts.options import option
from mtlkit.contracts.params import ParamTable, Row
from mtlkit.contracts.progress import Progress


@frozen
class GradualUnfreeze(FreezePolicy):
    """Stage 0 trains the heads alone; each later stage adds `group_size` blocks, counted from the top.

    With L blocks and groups of g, stage k ≥ 1 trains the final layer and the top k·g blocks, and stage
    ⌈L/g⌉ + 1 everything. Stage k begins after `start` plus k times `every`; no two stages begin at the
    same step.
    """

    every: Duration = option("how long each stage lasts")
    group_size: Annotated[int, Ge(1)] = option("how many blocks thaw at once", 1)
    start: Duration = option(
        "how long the backbone stays frozen before the first stage is counted", Duration(0, "st")
    )

    def __attrs_post_init__(self) -> None:
        if self.every.amount <= 0:
            raise ValueError(f"every is '{self.every}'; a stage must last longer than nothing")

    def phase(self, progress: Progress) -> int:
        """The stage: how many times `every` fits into the steps since `start`."""
        passed = progress.step - progress.steps(self.start)
        if passed <= 0:
            return 0
        amount, unit = self.every.amount, self.every.unit
        # Multiples of the unrounded length, so that stages of half an epoch do not drift.
        stages = range(1, passed + 1)
        return bisect_right(stages, passed, key=lambda stage: progress.steps(Duration(stage * amount, unit)))

    def trainable(self, row: Row, table: ParamTable, phase: int | str) -> bool:
        """Whether the weight has thawed in that stage."""
        stage = int(phase)
        if row.role == "head":
            return True
        if row.role == "final":
            return stage >= 1
        if row.role == "block":
            return table.depth - row.depth < stage * self.group_size
        groups = -(-table.depth // self.group_size)
        return stage > groups
