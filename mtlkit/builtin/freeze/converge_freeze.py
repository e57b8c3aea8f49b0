"""Freeze layers from the bottom whose representation has converged.

Sources: Raghu et al. 2017, "SVCCA", section 4.3 (freeze training); Wang et al. 2023, "Egeria", section 4
(layers freeze when their distance from a reference stops changing). The measure is linear CKA (Kornblith
et al. 2019) with the representation at the start of the run.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Annotated, ClassVar

from annotated_types import Ge, Gt
from attrs import frozen

from mtlkit.contracts.duration import Duration
from mtlkit.contracts.freeze import FreezePolicy
from mtlkit.contracts.options import option
from mtlkit.contracts.params import BACKBONE, ParamTable, Row
from mtlkit.contracts.progress import Progress
from mtlkit.contracts.statistics import Statistic, history


@frozen
class ConvergeFreeze(FreezePolicy):
    """A layer freezes for good once its similarity to the start has stopped changing, and all below it has.

    Stopped means: in `patience` measurements in a row it changed by less than `tolerance`. What follows the
    last block, and the heads, always train. A plan, which has no measurements, shows everything training.

    Helps: time: lower layers converge first, so their backward passes can be saved (Raghu et al. 2017,
    arXiv:1706.05806; Wang et al. 2023, Egeria, arXiv:2201.06227).

    Does not help: no evidence known to us.
    """

    stretches: ClassVar[bool] = False

    every: Duration = option("how often the similarity is measured")
    tolerance: Annotated[float, Gt(0)] = option("largest change of CKA that counts as none", 0.005)
    patience: Annotated[int, Ge(1)] = option("measurements in a row without change", 2, unit="measurements")

    def __attrs_post_init__(self) -> None:
        if self.every.amount <= 0:
            raise ValueError(f"every is '{self.every}'; it must be longer than nothing")

    def statistics(self) -> tuple[Statistic, ...]:
        """The similarity of each layer to what it was."""
        return (Statistic("similarity", self.every),)

    def phase(self, progress: Progress) -> int:
        """How many layers are frozen, counted from the embeddings."""
        measured = [values for _, values in history(progress, "similarity")]
        frozen_layers = 0
        for count in range(len(measured) + 1):
            while self._still(str(frozen_layers), measured[:count]):
                frozen_layers += 1
        return frozen_layers

    def trainable(self, row: Row, table: ParamTable, phase: int | str) -> bool:
        """Whether the weight is of a head, above the blocks, or above the frozen layers."""
        return row.owner != BACKBONE or row.role == "final" or row.depth >= int(phase)

    def _still(self, layer: str, measured: Sequence[Mapping[str, float]]) -> bool:
        values = [each[layer] for each in measured if layer in each]
        recent = values[-self.patience - 1 :]
        if len(recent) <= self.patience:
            return False
        return all(abs(now - before) < self.tolerance for before, now in pairwise(recent))
