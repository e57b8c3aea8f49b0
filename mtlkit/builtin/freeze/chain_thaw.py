"""Train the heads, then each layer alone, then everything.

Source: Felbo et al. 2017, "Using millions of emoji occurrences to learn any-domain representations for
detecting sentiment, emotion and sarcasm" (arXiv:1708.00524), §3.3. There a stage ends when the validation
loss stops falling, and the best weights of the stage are loaded back; here each stage has a length, and its
last weights are kept.
"""

from typing import Literal

from attrs import frozen

from mtlkit.builtin.freeze.periods import check_period, periods
from mtlkit.contracts.duration import Duration
from mtlkit.contracts.freeze import FreezePolicy
from mtlkit.contracts.options import option
from mtlkit.contracts.params import ParamTable, Row
from mtlkit.contracts.progress import Progress


@frozen
class ChainThaw(FreezePolicy):
    """Stage 0 trains the heads alone, each later one a single layer, the last everything to the end.

    The layers are the embeddings and the L blocks; what follows the last block trains with it. The heads rest
    while a layer has its stage. A layer in which nothing may train, because the author of the model froze it,
    has no stage. With L blocks everything trains after L + 2 stages.

    Helps: few rows: text classification with a recurrent network of two layers that was trained to guess
    emoji, with less overfitting by its authors' account (Felbo et al. 2017, arXiv:1708.00524).

    Does not help: deep models with few steps: there are L + 2 stages, and gradients pass through all layers
    above the one that trains. On transformers, no evidence known to us.
    """

    every: Duration = option("how long each stage lasts")
    order: Literal["up", "down"] = option(
        "from the embeddings to the last block (up, as in the paper), or down", "up"
    )
    embeddings: bool = option("whether the embeddings have a stage; if not, they wait for the last one", True)

    def __attrs_post_init__(self) -> None:
        check_period(self.every, "a stage")

    def phase(self, progress: Progress) -> int:
        """The stage: how many times `every` fits into the steps so far."""
        return periods(progress, self.every)

    def trainable(self, row: Row, table: ParamTable, phase: int | str) -> bool:
        """Whether it is the turn of the weight's layer, or everything's."""
        turns = self._turns(table)
        stage = int(phase)
        return stage >= len(turns) or _layer(row, table) == turns[stage]

    def _turns(self, table: ParamTable) -> tuple[int, ...]:
        """The layers with a stage in order, the heads first: each as its depth."""
        layers = range(0 if self.embeddings else 1, table.depth + 1)
        ordered = layers if self.order == "up" else reversed(layers)
        free = {_layer(row, table) for row in table if row.trainable}
        return tuple(layer for layer in (table.depth + 1, *ordered) if layer in free)


def _layer(row: Row, table: ParamTable) -> int:
    """The depth of the weight; that of the last block for what follows it, one more for heads."""
    return table.depth + 1 if row.role == "head" else min(row.depth, table.depth)
