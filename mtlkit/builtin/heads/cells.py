"""Numbers in cells: read, or told what is wrong with them."""

from __future__ import annotations

from math import isfinite, nan

from mtlkit.contracts.data import Value
from mtlkit.errors import DataError


def number_in(cell: Value, column: str, task: str) -> float:
    """The number in a cell, NaN where it is missing (None or empty).

    Raises:
        DataError: when it is no finite number; names task, column and cell.
    """
    if cell is None or cell == "":
        return nan
    try:
        number = float(cell)
    except (TypeError, ValueError):
        number = nan
    if not isfinite(number):
        message = f"task {task!r}: the column {column!r} holds {cell!r}, which is not a number"
        raise DataError(message, "a number is such as 0.5; leave the cell empty where it is not known")
    return number
