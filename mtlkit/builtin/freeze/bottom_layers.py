"""Freeze the blocks nearest to the input, whose features are the most general.

Source: Yosinski et al. 2014, "How transferable are features in deep neural networks?"; for BERT, Lee
et al. 2019, "What Would Elsa Do? Freezing Layers During Transformer Fine-Tuning".
"""

from typing import Annotated, ClassVar

from annotated_types import Ge, Le
from attrs import frozen

from mtlkit.builtin.freeze.depths import check_amount, count_blocks
from mtlkit.contracts.freeze import FreezePolicy
from mtlkit.contracts.options import option
from mtlkit.contracts.params import ParamTable, Row


@frozen
class BottomLayers(FreezePolicy):
    """The lowest blocks do not train, nor, unless asked, the embeddings below them.

    The final layer and the heads train. More layers than the model has means all of its blocks.

    Helps: time and memory at little cost: tuning only the top layers of BERT keeps most of the quality of
    tuning all (Lee, Tang & Lin 2019, "What Would Elsa Do?", arXiv:1911.03090).

    Does not help: where the input differs from that of pre-training and the task does not: then the lowest
    layers are the ones to train (Lee et al. 2022, "Surgical Fine-Tuning Improves Adaptation to Distribution
    Shifts", arXiv:2210.11466).
    """

    monotone: ClassVar[bool] = True

    layers: Annotated[int, Ge(0)] | None = option(
        "how many blocks are frozen, counted from the input", None, unit="blocks"
    )
    share: Annotated[float, Ge(0), Le(1)] | None = option("which share of the blocks is frozen instead", None)
    embeddings: bool = option("whether the embeddings are frozen too", True)

    def __attrs_post_init__(self) -> None:
        check_amount(self.layers, self.share)

    def trainable(self, row: Row, table: ParamTable, phase: int | str) -> bool:
        """Whether the weight lies above the frozen blocks."""
        if row.role == "embeddings":
            return not self.embeddings
        return row.role != "block" or row.depth > count_blocks(self.layers, self.share, table.depth)
