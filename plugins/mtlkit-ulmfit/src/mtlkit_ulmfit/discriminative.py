"""Rates that fall by a constant factor from layer to layer, towards the input.

Source: Howard & Ruder 2018, "Universal Language Model Fine-tuning for Text Classification" (ULMFiT, ACL),
§3.1: the last layer has the rate η^L, and η^(l-1) = η^l / 2.6.

Which layer is the last? The paper finds η^L "by fine-tuning only the last layer", and its code gives an
AWD-LSTM of three layers the five rates lr/2.6⁴ (embeddings), lr/2.6³, lr/2.6², lr/2.6 (top layer) and lr
(classifier). So here: the **heads** are the last layer and have the peak, the top block is one factor below.
"""

from typing import Annotated

from annotated_types import Ge
from attrs import frozen
from mtlkit import LRSchedule, ParamTable, Progress, Row, option

HEAD = "head."


@frozen
class Discriminative(LRSchedule):
    """Groups `embeddings/L`, `block i/L` with i from 1 to L, `final` and `head.TASK` for each task.

    With L blocks, block i has the rate peak / factor^(L + 1 - i); the embeddings, the lowest layer, are
    i = 0. What follows the last block (a final norm, a pooler) is no layer of its own: it has the rate of
    the topmost one, peak / factor. `head_rate` moves the heads alone, so the reading "the top block has
    the peak η and the heads a rate h" is `peak = factor · η`, `head_rate = h`.
    """

    peak: Annotated[float, Ge(0)] = option(
        "the rate of the last layer, the heads, at the peak of the curve", unit="rate"
    )
    factor: Annotated[float, Ge(1)] = option("how many times slower the next lower layer learns", 2.6)
    head_rate: Annotated[float, Ge(0)] | None = option(
        "another rate for the heads; by default peak", None, unit="rate"
    )

    def group(self, row: Row, table: ParamTable) -> str:
        """The layer of the weight, with the number of blocks, since `rate` sees no more than the name."""
        if row.role == "head":
            return f"{HEAD}{row.owner}"
        if row.role == "final":
            return "final"
        return f"block {row.depth}/{table.depth}" if row.role == "block" else f"embeddings/{table.depth}"

    def rate(self, group: str, progress: Progress, age: int) -> float:
        """The rate of that layer."""
        if group.startswith(HEAD):
            return self.peak if self.head_rate is None else self.head_rate
        # A negative power of a large factor is 0; dividing by the positive one would overflow.
        return float(self.peak * self.factor ** -_below_the_heads(group))


def _below_the_heads(group: str) -> int:
    if group == "final":
        return 1
    layer, _, blocks = group.partition("/")
    depth = int(layer.removeprefix("block ")) if layer != "embeddings" else 0
    return int(blocks) + 1 - depth
