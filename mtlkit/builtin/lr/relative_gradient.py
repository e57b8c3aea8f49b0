"""Rates in proportion to how large the gradient of each layer is, relative to its weights.

Source: Lee et al. 2023, "Surgical Fine-Tuning Improves Adaptation to Distribution Shifts" (arXiv:2210.11466),
Auto-RGN: the rate of each layer is multiplied by its ‖g‖/‖w‖, scaled to at most 1. Here the gradients are
those of one step's rows, measured every `every`.
"""

from typing import Annotated, ClassVar

from annotated_types import Ge, Le
from attrs import frozen

from mtlkit.builtin.lr.layers import FINAL, HEAD, layer_of, place_of
from mtlkit.contracts.duration import Duration
from mtlkit.contracts.options import option
from mtlkit.contracts.params import ParamTable, Row
from mtlkit.contracts.progress import Progress
from mtlkit.contracts.rates import LRSchedule
from mtlkit.contracts.statistics import Statistic, history


@frozen
class RelativeGradient(LRSchedule):
    """Groups `embeddings/L`, `block i/L` with i from 1 to L, `final` and `head.TASK` for each task.

    A layer's share of the peak is its relative gradient norm over the largest of all layers, in the last
    measurement; what follows the last block has the share of the topmost layer measured. Before the first
    measurement, and so in a plan, which has none, every layer has the peak.

    Helps: small target sets that differ from pre-training in one way: input, features or labels (Lee et al.
    2023, arXiv:2210.11466), where it did better than one rate for all layers.

    Does not help: against training the right block alone, chosen with knowledge of the difference, which did
    better still in that paper.
    """

    keeps_ratios: ClassVar[bool] = False

    peak: Annotated[float, Ge(0)] = option(
        "the rate of the layer with the largest relative gradient", 5e-5, unit="rate"
    )
    every: Duration = option("how often the gradients are measured", Duration(1, "ep"))
    min_scale: Annotated[float, Ge(0), Le(1)] = option("the share of the peak that no layer falls below", 0.0)
    heads: Annotated[float, Ge(0)] | None = option(
        "the rate of the heads; by default peak", None, unit="rate"
    )

    def __attrs_post_init__(self) -> None:
        if self.every.amount <= 0:
            raise ValueError(f"every is '{self.every}'; it must be longer than nothing")

    def statistics(self) -> tuple[Statistic, ...]:
        """The relative gradient norm of each layer."""
        return (Statistic("relative-gradient", self.every),)

    def group(self, row: Row, table: ParamTable) -> str:
        """The layer of the weight."""
        return layer_of(row, table)

    def rate(self, group: str, progress: Progress, age: int) -> float:
        """The peak times the layer's share."""
        if group.startswith(HEAD):
            return self.peak if self.heads is None else self.heads
        measured = history(progress, "relative-gradient")
        norms = {int(key): value for key, value in measured[-1][1].items()} if measured else {}
        highest = max(norms.values(), default=0.0)
        if not highest:
            return self.peak
        depth = max(norms) if group == FINAL else place_of(group)[0]
        return self.peak * max(self.min_scale, norms.get(depth, highest) / highest)
