"""Freeze layers from the bottom whose gradients have stopped changing.

Source: Liu, Agarwal & Venkataraman 2021, "AutoFreeze: Automatically Freezing Model Blocks to Accelerate
Fine-tuning", section 4.1. The paper adds up the gradients of an interval; here the gradient is that of one
step's rows, measured every interval.
"""

from collections.abc import Mapping
from itertools import pairwise
from typing import Annotated, ClassVar

from annotated_types import Ge, Le
from attrs import frozen

from mtlkit.contracts.duration import Duration
from mtlkit.contracts.freeze import FreezePolicy
from mtlkit.contracts.options import option
from mtlkit.contracts.params import BACKBONE, ParamTable, Row
from mtlkit.contracts.progress import Progress
from mtlkit.contracts.statistics import Statistic, history


@frozen
class AutoFreeze(FreezePolicy):
    """After each interval, layers whose gradient norm changed least, relative to itself, freeze for good.

    With η = |‖g‖ before - ‖g‖ now| / ‖g‖ before, layers freeze from the bottom while their η is below the
    given percentile of all layers that still train. Heads always train. Nothing freezes before the second
    measurement, so a plan, which has none, shows everything training.

    Helps: time: fine-tuning of BERT gets faster at about the same accuracy, by its authors' account (Liu,
    Agarwal & Venkataraman 2021, arXiv:2102.01386).

    Does not help: no evidence known to us.
    """

    stretches: ClassVar[bool] = False

    every: Duration = option("how often the gradients are measured")
    percentile: Annotated[float, Ge(0), Le(100)] = option(
        "which percentile of the training layers' change is the limit", 50.0, unit="%"
    )

    def __attrs_post_init__(self) -> None:
        if self.every.amount <= 0:
            raise ValueError(f"every is '{self.every}'; it must be longer than nothing")

    def statistics(self) -> tuple[Statistic, ...]:
        """The gradient norm of each layer."""
        return (Statistic("gradient-norm", self.every),)

    def phase(self, progress: Progress) -> int:
        """How many layers are frozen, counted from the embeddings."""
        norms = [values for _, values in history(progress, "gradient-norm")]
        frozen_layers = 0
        for before, now in pairwise(norms):
            frozen_layers = self._grown(frozen_layers, before, now)
        return frozen_layers

    def trainable(self, row: Row, table: ParamTable, phase: int | str) -> bool:
        """Whether the weight is of a head or above the frozen layers."""
        return row.owner != BACKBONE or row.depth >= int(phase)

    def _grown(self, frozen_layers: int, before: Mapping[str, float], now: Mapping[str, float]) -> int:
        depths = sorted(int(key) for key in before if key in now and int(key) >= frozen_layers)
        changes = [_change(before[str(depth)], now[str(depth)]) for depth in depths]
        if not changes:
            return frozen_layers
        limit = _percentile(changes, self.percentile)
        for depth, change in zip(depths, changes, strict=True):
            if depth != frozen_layers or change >= limit:
                break
            frozen_layers += 1
        return frozen_layers


def _change(before: float, now: float) -> float:
    return abs(before - now) / before if before else 0.0


def _percentile(values: list[float], percent: float) -> float:
    """By linear interpolation between the sorted values, as numpy has it."""
    ranked = sorted(values)
    place = (len(ranked) - 1) * percent / 100
    low = int(place)
    high = min(low + 1, len(ranked) - 1)
    return ranked[low] + (ranked[high] - ranked[low]) * (place - low)
