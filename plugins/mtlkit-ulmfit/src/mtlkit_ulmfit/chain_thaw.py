"""Train the heads, then one layer at a time with all others frozen, then everything.

Source: Felbo et al. 2017, "Using millions of emoji occurrences to learn any-domain representations for
detecting sentiment, emotion and sarcasm" (EMNLP), §3.3. There a stage ends when the validation score
stops rising, and the best weights of the stage are loaded back; here each stage has a length, and the
last weights of a stage are kept. The new layers train in the first and in the last stage only, as there.
"""

from bisect import bisect_right
from typing import ClassVar, Literal

from attrs import frozen
from mtlkit import Duration, FreezePolicy, ParamTable, Progress, Row, option


@frozen
class ChainThaw(FreezePolicy):
    """Stage 0 trains the heads alone, each later one a single layer, the one after the last everything.

    The layers are the embeddings and the L blocks. What follows the last block (a final norm, a pooler)
    is no layer of its own: it trains with the topmost one. With `order` "up" they train from the
    embeddings to block L as in the paper, with "down" the other way round. Where every layer has a weight
    that its author left free, layer i of the order trains from i times `every` on and everything from
    (L + 2) · `every` on, or (L + 1) · `every` without the embeddings. A layer without such a weight, heads
    included, has no stage: those after it move forward. At each step at most one stage begins, so a stage
    shorter than a step lasts a step.
    """

    monotone: ClassVar[bool] = False

    every: Duration = option("how long each stage lasts")
    order: Literal["up", "down"] = option(
        "from the embeddings to the last block (up, as in the paper) or from there down", "up"
    )
    embeddings: bool = option("whether the embeddings have a stage; if not, they wait for the last one", True)

    def __attrs_post_init__(self) -> None:
        if self.every.amount <= 0:
            raise ValueError(f"every is '{self.every}'; a stage must last longer than nothing")

    def phase(self, progress: Progress) -> int:
        """The stage: how many times `every` fits into the steps so far."""
        passed, amount, unit = progress.step, self.every.amount, self.every.unit
        # Multiples of the unrounded length, so that stages of half an epoch do not drift.
        stages = range(1, passed + 1)
        return bisect_right(stages, passed, key=lambda stage: progress.steps(Duration(stage * amount, unit)))

    def trainable(self, row: Row, table: ParamTable, phase: int | str) -> bool:
        """Whether it is the turn of the weight's layer, or everything's."""
        turns = self._turns(table)
        stage = int(phase)
        return stage >= len(turns) or _layer(row, table) == turns[stage]

    def _turns(self, table: ParamTable) -> tuple[int | None, ...]:
        """The layers in the order of their stages: None for the heads, else the depth."""
        depths = range(0 if self.embeddings else 1, table.depth + 1)
        free = {_layer(row, table) for row in table if row.trainable}
        return tuple(turn for turn in (None, *depths[:: 1 if self.order == "up" else -1]) if turn in free)


def _layer(row: Row, table: ParamTable) -> int | None:
    return None if row.role == "head" else min(row.depth, table.depth)
