"""Freeze everything: a run that only evaluates."""

from typing import ClassVar

from attrs import frozen

from mtlkit.contracts.freeze import FreezePolicy
from mtlkit.contracts.params import ParamTable, Row


@frozen
class FreezeAll(FreezePolicy):
    """No weight trains, heads included.

    Helps: measuring: a run that only evaluates is what others are compared with.

    Does not help: learning: nothing is learned.
    """

    trains_nothing: ClassVar[bool] = True
    monotone: ClassVar[bool] = True

    def trainable(self, row: Row, table: ParamTable, phase: int | str) -> bool:
        """No, for every weight."""
        return False
