"""Rates that fall by a constant factor from block to block, or from group of blocks to group of blocks.

With L blocks, depth 0 for the embeddings and i for the i-th block, the rate is

    peak · decay^(L + 1 - depth)        for depths 0…L,

and `peak` for what follows the last block. This is the convention of BEiT (Bao et al. 2021,
"BEiT: BERT Pre-Training of Image Transformers", `LayerDecayValueAssigner`). ELECTRA (Clark et al. 2020)
uses the same falling rates, but its code has L + 2 in place of L + 1: there the topmost block already
learns decay² times as fast as the head, here decay times. ELECTRA's rates are those of
`peak = decay · rate` with `head_rate = rate`.

With groups of g blocks, counted from the top, neighbours share a rate (blockwise decay): the power is then
1 + ⌊(L - depth) / g⌋ for blocks and 1 + ⌈L / g⌉ for the embeddings. The share of the peak that `min_scale`
asks for is that of `param_groups_layer_decay` in timm.

The discriminative rates of ULMFiT (Howard & Ruder 2018, "Universal Language Model Fine-tuning for Text
Classification", §3.1), η^(l-1) = η^l / 2.6 with the classifier as the topmost layer, are the plugin
`discriminative`, whose factor is 1/decay; there what follows the last block learns as fast as that block.
"""

from typing import Annotated, ClassVar

from annotated_types import Ge, Gt, Le
from attrs import frozen

from mtlkit.builtin.lr.layers import FINAL, HEAD, layer_of, place_of
from mtlkit.contracts.options import option
from mtlkit.contracts.params import ParamTable, Row
from mtlkit.contracts.progress import Progress
from mtlkit.contracts.rates import LRSchedule


@frozen
class LayerDecay(LRSchedule):
    """Groups `embeddings/L`, `block i/L` with i from 1 to L, `final` and `head.TASK` for each task.

    The convention is that of BEiT: what follows the last block has the peak, the last block decay times the
    peak, the next lower one decay² times, and the embeddings decay^(L + 1) times. The code of ELECTRA has one
    decay more for everything below the heads: there write `peak` = decay · rate and `head_rate` = rate.

    Helps: ELECTRA (Clark et al. 2020, arXiv:2003.10555) and BEiT (Bao et al. 2022, arXiv:2106.08254) are
    fine-tuned with it; ULMFiT got better by it (Howard & Ruder 2018, arXiv:1801.06146).

    Does not help: on few rows its effect shrinks once Adam corrects its bias and training is long enough
    (Zhang et al. 2021, "Revisiting Few-sample BERT Fine-tuning", arXiv:2006.05987).
    """

    rises_with_depth: ClassVar[bool] = True

    peak: Annotated[float, Ge(0)] = option(
        "the rate above the last block, at the peak of the curve", unit="rate"
    )
    decay: Annotated[float, Gt(0), Le(1)] = option("the factor from one block to the next lower one", 0.9)
    head_rate: Annotated[float, Ge(0)] | None = option(
        "the rate of the heads; by default peak", None, unit="rate"
    )
    group_size: Annotated[int, Ge(1)] = option("how many neighbouring blocks share a rate", 1, unit="blocks")
    min_scale: Annotated[float, Ge(0), Le(1)] = option(
        "the share of the peak that no layer of the backbone falls below", 0.0
    )

    def group(self, row: Row, table: ParamTable) -> str:
        """The layer of the weight."""
        return layer_of(row, table)

    def rate(self, group: str, progress: Progress, age: int) -> float:
        """The rate of that layer."""
        if group.startswith(HEAD):
            return self.peak if self.head_rate is None else self.head_rate
        if group == FINAL:
            return self.peak
        depth, blocks = place_of(group)
        groups_above = (blocks - depth) // self.group_size if depth else -(-blocks // self.group_size)
        return float(self.peak * max(self.decay ** (groups_above + 1), self.min_scale))
