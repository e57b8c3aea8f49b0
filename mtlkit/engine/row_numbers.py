"""Numbers of rows: eight bytes each, or none at all where they follow each other."""

from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import overload

AT_ONCE = 2**16


class RowNumbers(Sequence[int]):
    """Numbers that do not change, equal to any sequence of the same."""

    def __init__(self, numbers: Iterable[int] = ()) -> None:
        self._cells: range | array[int] = numbers if isinstance(numbers, range) else array("Q", numbers)

    @overload
    def __getitem__(self, at: int) -> int: ...
    @overload
    def __getitem__(self, at: slice) -> "RowNumbers": ...
    def __getitem__(self, at: int | slice) -> "int | RowNumbers":
        return self._cells[at] if isinstance(at, int) else RowNumbers(self._cells[at])

    def __len__(self) -> int:
        return len(self._cells)

    def __iter__(self) -> Iterator[int]:
        return iter(self._cells)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence) or isinstance(other, str):
            return NotImplemented
        return len(self) == len(other) and all(map(int.__eq__, self, other))

    __hash__ = None  # type: ignore[assignment]  # as of lists

    def __repr__(self) -> str:
        return f"RowNumbers({list(self) if len(self) <= 8 else [*self[:8], '…']})"

    def parts(self) -> Iterator[bytes]:
        """The numbers as bytes, some at a time, the same for equal numbers."""
        for start in range(0, len(self), AT_ONCE):
            yield array("Q", self._cells[start : start + AT_ONCE]).tobytes()
