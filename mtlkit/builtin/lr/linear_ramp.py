"""Rates that rise in equal steps from the embeddings to the last block.

With L blocks and depth 0 for the embeddings, the rate at depth d is bottom + (top - bottom) · d/L, or with
equal ratios bottom^(1 - d/L) · top^(d/L); these are `linspace` and `geomspace`. The second is what fastai
makes of `slice(bottom, top)` over its layer groups (Howard & Gugger 2020, "fastai: A Layered API for Deep
Learning", §2.2: discriminative learning rates).
"""

from typing import Annotated, Literal

from annotated_types import Ge
from attrs import frozen

from mtlkit.builtin.lr.layers import FINAL, HEAD, layer_of, place_of
from mtlkit.contracts.options import option
from mtlkit.contracts.params import ParamTable, Row
from mtlkit.contracts.progress import Progress
from mtlkit.contracts.rates import LRSchedule


@frozen
class LinearRamp(LRSchedule):
    """Groups `embeddings/L`, `block i/L` with i from 1 to L, `final` and `head.TASK` for each task.

    What follows the last block has the top rate, and so have the heads unless `heads` says otherwise. In a
    backbone without blocks the embeddings have the top rate too. Rates may also fall towards the output.

    Helps: discriminative rates helped text classification with a recurrent language model (Howard & Ruder
    2018, arXiv:1801.06146, with falling ratios); for a linear ramp, no evidence known to us.

    Does not help: no evidence known to us.
    """

    rate_bottom: Annotated[float, Ge(0)] = option("the rate of the embeddings", unit="rate")
    rate_top: Annotated[float, Ge(0)] = option("the rate of the last block", unit="rate")
    heads: Annotated[float, Ge(0)] | None = option(
        "the rate of the heads; by default rate_top", None, unit="rate"
    )
    spacing: Literal["linear", "geometric"] = option(
        "whether neighbours have equal differences or equal ratios", "linear"
    )

    def group(self, row: Row, table: ParamTable) -> str:
        """The layer of the weight."""
        return layer_of(row, table)

    def rate(self, group: str, progress: Progress, age: int) -> float:
        """The rate of that layer."""
        if group.startswith(HEAD):
            return self.rate_top if self.heads is None else self.heads
        if group == FINAL:
            return self.rate_top
        depth, blocks = place_of(group)
        share = depth / blocks if blocks else 1.0
        if self.spacing == "geometric":
            return float(self.rate_bottom ** (1 - share) * self.rate_top**share)
        return self.rate_bottom * (1 - share) + self.rate_top * share
