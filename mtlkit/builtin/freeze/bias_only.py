"""Train the biases and the heads, freeze all other weights.

Source: Ben-Zaken, Ravfogel & Goldberg 2022, "BitFit: Simple Parameter-efficient Fine-tuning for
Transformer-based Masked Language-models", section 3. As there, the biases of norms train too.
"""

from typing import ClassVar

from attrs import frozen

from mtlkit.contracts.freeze import FreezePolicy
from mtlkit.contracts.params import BACKBONE, ParamTable, Row
from mtlkit.contracts.selectors import parse

BIASES = f"{BACKBONE} & (type:bias | type:norm & {BACKBONE}.*.bias)"


@frozen
class BiasOnly(FreezePolicy):
    """Of the backbone only the biases train, those of norms included; the heads train.

    A backbone without any bias is an error.

    Helps: with few to moderately many rows: on a level with full fine-tuning of BERT, at a small part of
    the optimizer's memory (Ben-Zaken, Ravfogel & Goldberg 2022, arXiv:2106.10199).

    Does not help: with many rows: on growing parts of SQuAD full fine-tuning overtakes it (their figure 2).
    Time: gradients still pass through all blocks.
    """

    monotone: ClassVar[bool] = True

    def trainable(self, row: Row, table: ParamTable, phase: int | str) -> bool:
        """Whether the weight is a bias or belongs to a head."""
        return row.owner != BACKBONE or parse(BIASES).matches(row, table)

    def patterns(self) -> tuple[str, ...]:
        """What is a bias; weights of norms are told apart by their names."""
        return (BIASES,)
