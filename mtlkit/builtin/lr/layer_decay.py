"""Rates that fall by a constant factor from block to block, towards the input.

With L blocks, depth 0 for the embeddings and i for the i-th block, the rate is

    peak · decay^(L + 1 - depth)        for depths 0…L,

and `peak` for what follows the last block. This is the convention of BEiT (Bao et al. 2021,
"BEiT: BERT Pre-Training of Image Transformers", `LayerDecayValueAssigner`). ELECTRA (Clark et al. 2020)
uses the same falling rates, but its code has L + 2 in place of L + 1: there the topmost block already
learns decay² times as fast as the head, here decay times. ELECTRA's rates are those of
`peak = decay · rate` with `head_rate = rate`.
"""

from typing import Annotated

from annotated_types import Ge, Gt, Le
from attrs import frozen

from mtlkit.contracts.options import option
from mtlkit.contracts.params import ParamTable, Row
from mtlkit.contracts.progress import Progress
from mtlkit.contracts.rates import LRSchedule

HEAD = "head."


@frozen
class LayerDecay(LRSchedule):
    """Groups `embeddings/L`, `block i/L` with i from 1 to L, `final` and `head.TASK` for each task."""

    peak: Annotated[float, Ge(0)] = option("the rate above the last block, at the peak of the curve")
    decay: Annotated[float, Gt(0), Le(1)] = option("the factor from one block to the next lower one", 0.9)
    head_rate: Annotated[float, Ge(0)] | None = option("the rate of the heads; by default peak", None)

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
        if group == "final":
            return self.peak
        layer, _, blocks = group.partition("/")
        depth = int(layer.removeprefix("block ")) if layer != "embeddings" else 0
        return float(self.peak * self.decay ** (int(blocks) + 1 - depth))
