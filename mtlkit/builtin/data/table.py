"""Rows held in memory, handed out as records that the taker may change."""

from collections.abc import Sequence

from attrs import frozen

from mtlkit.contracts.data import Record, Value


@frozen
class Table:
    """Column names, and for every row its cells in that order."""

    columns: tuple[str, ...]
    cells: Sequence[Sequence[Value]]

    def __len__(self) -> int:
        return len(self.cells)

    def rows(self, numbers: Sequence[int]) -> list[Record]:
        """The rows with these numbers (from 0), in the order asked for.

        Raises:
            IndexError: when there is no row of that number.
        """
        check_numbers(numbers, len(self.cells))
        return [dict(zip(self.columns, map(_own, self.cells[number]), strict=True)) for number in numbers]


def check_numbers(numbers: Sequence[int], count: int) -> None:
    """Refuse numbers outside 0 … count-1: Python's own negative indices would hide a mistake.

    Raises:
        IndexError: when there is no row of that number.
    """
    if numbers and not (min(numbers) >= 0 and max(numbers) < count):
        wrong = next(number for number in numbers if not 0 <= number < count)
        raise IndexError(f"row {wrong} of {count}")


def _own(value: Value) -> Value:
    if isinstance(value, list):
        return [_own(item) for item in value]
    if isinstance(value, dict):
        return {key: _own(item) for key, item in value.items()}
    return value
