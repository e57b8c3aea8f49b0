"""Freeze the embeddings of the backbone."""

from attrs import frozen

from mtlkit.contracts.freeze import FreezePolicy
from mtlkit.contracts.params import ParamTable, Row


@frozen
class FreezeEmbeddings(FreezePolicy):
    """Everything trains but what comes before the first block."""

    def trainable(self, row: Row, table: ParamTable, phase: int | str) -> bool:
        """Whether the weight is not one of the embeddings."""
        return row.role != "embeddings"
