"""Train only the layers that the first gradient says need it most.

Source: Lee et al. 2023, "Surgical fine-tuning improves adaptation to distribution shifts", section 4.2:
Auto-RGN, the relative gradient norm ‖g‖/‖w‖ of each layer. The paper scales rates with it throughout; as a
freeze policy the layers are chosen once, before the first step.
"""

from typing import Annotated, ClassVar

from annotated_types import Ge
from attrs import frozen

from mtlkit.contracts.freeze import FreezePolicy
from mtlkit.contracts.options import option
from mtlkit.contracts.params import BACKBONE, ParamTable, Row
from mtlkit.contracts.progress import Progress
from mtlkit.contracts.statistics import Statistic, history

NONE_YET = "all"


@frozen
class Surgical(FreezePolicy):
    """Only the `keep` layers of the backbone with the highest relative gradient train, and the heads.

    The gradient is that of the first step's rows. A plan, which has no measurements, shows everything
    training.

    Helps: small target sets that differ from pre-training in one way: input, features or labels (Lee et al.
    2022, arXiv:2210.11466). Rates by the relative gradient did better there than full fine-tuning.

    Does not help: against a choice of layers by hand from knowledge of the difference, which did better
    still in that paper. Hard freezing by one measurement, as here, was not tried there.
    """

    keep: Annotated[int, Ge(1)] = option("how many layers of the backbone train", 1, unit="layers")

    monotone: ClassVar[bool] = False

    def statistics(self) -> tuple[Statistic, ...]:
        """The relative gradient norm of each layer, once."""
        return (Statistic("relative-gradient"),)

    def phase(self, progress: Progress) -> str:
        """The depths of the layers that train, or that none has been measured yet."""
        measured = history(progress, "relative-gradient")
        if not measured:
            return NONE_YET
        values = measured[0][1]
        ranked = sorted(values, key=lambda depth: (-values[depth], int(depth)))
        return f"layers {' '.join(sorted(ranked[: self.keep], key=int))}"

    def trainable(self, row: Row, table: ParamTable, phase: int | str) -> bool:
        """Whether the weight is of a head or of a chosen layer."""
        return row.owner != BACKBONE or phase == NONE_YET or str(row.depth) in str(phase).split()[1:]
