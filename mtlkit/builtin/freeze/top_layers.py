"""Freeze the blocks nearest to the output, and train what is below.

Useful where the input differs from that of pre-training and the task does not: Lee et al. 2022,
"Surgical Fine-Tuning Improves Adaptation to Distribution Shifts".
"""

from typing import Annotated, ClassVar

from annotated_types import Ge, Le
from attrs import frozen

from mtlkit.builtin.freeze.depths import check_amount, count_blocks
from mtlkit.contracts.freeze import FreezePolicy
from mtlkit.contracts.options import option
from mtlkit.contracts.params import ParamTable, Row


@frozen
class TopLayers(FreezePolicy):
    """The highest blocks do not train, nor, unless asked, the final layer above them.

    The embeddings and the heads train. More layers than the model has means all of its blocks.

    Helps: where the input changed, such as noisy images, and the task did not (Lee et al. 2022, "Surgical
    Fine-Tuning Improves Adaptation to Distribution Shifts", arXiv:2210.11466).

    Does not help: where the labels or their meaning changed: then the last layers are the ones to train
    (the same paper). It saves little time, since gradients pass through the frozen blocks.
    """

    monotone: ClassVar[bool] = True

    layers: Annotated[int, Ge(0)] | None = option(
        "how many blocks are frozen, counted from the output", None, unit="blocks"
    )
    share: Annotated[float, Ge(0), Le(1)] | None = option("which share of the blocks is frozen instead", None)
    final: bool = option("whether what follows the last block is frozen too", True)

    def __attrs_post_init__(self) -> None:
        check_amount(self.layers, self.share)

    def trainable(self, row: Row, table: ParamTable, phase: int | str) -> bool:
        """Whether the weight lies below the frozen blocks, or in a head."""
        if row.role == "final":
            return not self.final
        thawed = table.depth - count_blocks(self.layers, self.share, table.depth)
        return row.role != "block" or row.depth <= thawed
