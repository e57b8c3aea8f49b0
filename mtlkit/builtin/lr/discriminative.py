"""Rates that fall by a constant factor from layer to layer, the heads being the last layer.

Source: Howard & Ruder 2018, "Universal Language Model Fine-tuning for Text Classification" (ULMFiT,
arXiv:1801.06146), §3.1: η^(l-1) = η^l / 2.6, with η^L found by fine-tuning the last layer alone. With L
blocks and depth 0 for the embeddings, i for the i-th block, the rate is

    peak / factor^(L + 1 - depth)       for depths 0…L,

`peak` for the heads, and for what follows the last block that of the last block. `layer-decay` with
decay = 1/factor differs in that alone: there what follows the last block has the peak.
"""

from typing import Annotated, ClassVar

from annotated_types import Ge
from attrs import frozen

from mtlkit.builtin.lr.layers import FINAL, HEAD, layer_of, place_of
from mtlkit.contracts.options import option
from mtlkit.contracts.params import ParamTable, Row
from mtlkit.contracts.progress import Progress
from mtlkit.contracts.rates import LRSchedule


@frozen
class Discriminative(LRSchedule):
    """Groups `embeddings/L`, `block i/L` with i from 1 to L, `final` and `head.TASK` for each task.

    The convention is that of ULMFiT: the heads are the last layer and learn at the peak, the topmost block
    and what follows it one factor slower, each lower block one more, and the embeddings slowest.

    Helps: text classification with a recurrent language model of three layers, together with
    `slanted-triangular` and `gradual-unfreeze` (Howard & Ruder 2018, arXiv:1801.06146).

    Does not help: deep models at the default factor: with 12 blocks the embeddings learn 250,000 times slower
    than the heads; the factors usual for them are 1.05 to 1.5, see `layer-decay`.
    """

    rises_with_depth: ClassVar[bool] = True

    peak: Annotated[float, Ge(0)] = option(
        "the rate of the last layer, the heads, at the peak of the curve", unit="rate"
    )
    factor: Annotated[float, Ge(1)] = option("how many times slower the next lower layer learns", 2.6)
    head_rate: Annotated[float, Ge(0)] | None = option(
        "another rate for the heads alone; by default peak", None, unit="rate"
    )

    def group(self, row: Row, table: ParamTable) -> str:
        """The layer of the weight."""
        return layer_of(row, table)

    def rate(self, group: str, progress: Progress, age: int) -> float:
        """The rate of that layer."""
        if group.startswith(HEAD):
            return self.peak if self.head_rate is None else self.head_rate
        depth, blocks = (0, 0) if group == FINAL else place_of(group)
        # a negative power of a large factor is 0 where the positive one would overflow
        return float(self.peak * self.factor ** (depth - blocks - 1))
