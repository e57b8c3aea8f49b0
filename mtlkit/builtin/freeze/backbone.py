"""Freeze the backbone: only the heads train (linear probing, feature extraction)."""

from attrs import frozen

from mtlkit.contracts.freeze import FreezePolicy
from mtlkit.contracts.params import BACKBONE, ParamTable, Row


@frozen
class FreezeBackbone(FreezePolicy):
    """The heads train, the backbone does not."""

    def trainable(self, row: Row, table: ParamTable, phase: int | str) -> bool:
        """Whether the weight belongs to a head."""
        return row.owner != BACKBONE
