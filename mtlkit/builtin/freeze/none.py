"""Freeze nothing: every weight trains from the first step."""

from attrs import frozen

from mtlkit.contracts.freeze import FreezePolicy
from mtlkit.contracts.params import ParamTable, Row


@frozen
class FreezeNone(FreezePolicy):
    """Every weight trains (full fine-tuning)."""

    def trainable(self, row: Row, table: ParamTable, phase: int | str) -> bool:
        """Yes, for every weight."""
        return True
