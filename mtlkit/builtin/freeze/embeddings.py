"""Freeze the embeddings of the backbone."""

from typing import ClassVar

from attrs import frozen

from mtlkit.contracts.freeze import FreezePolicy
from mtlkit.contracts.params import ParamTable, Row


@frozen
class FreezeEmbeddings(FreezePolicy):
    """Everything trains but what comes before the first block.

    Helps: memory: a vocabulary is a large part of a small model, and its optimizer state goes. In vision
    models whose first layer has far larger gradients than the rest, freezing it lets plain gradient descent
    keep up with AdamW (Kumar et al. 2022, "How to Fine-Tune Vision Models with SGD", arXiv:2211.09359).

    Does not help: no evidence known to us.
    """

    monotone: ClassVar[bool] = True

    def trainable(self, row: Row, table: ParamTable, phase: int | str) -> bool:
        """Whether the weight is not one of the embeddings."""
        return row.role != "embeddings"
