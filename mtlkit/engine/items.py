"""Prepared rows of a split: kept, or where they are too many, prepared again whenever they are asked for."""

from array import array
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from mtlkit.contracts.data import Record
from mtlkit.contracts.rows import SplitName
from mtlkit.engine.rows import Rows

PREPARE_ROWS = 2048
MOST_KEPT = 500_000

Prepare = Callable[[Sequence[Record]], list[Any]]


class Items:
    """What a backbone prepared of each row of a split; `lengths` are in tokens, 4 bytes a row."""

    def __init__(self, rows: Rows, split: SplitName, prepare: Prepare) -> None:
        self._rows, self._split, self._prepare = rows, split, prepare
        count = len(rows.splits[split])
        kept: list[Any] | None = [] if count <= MOST_KEPT else None
        lengths = array("I")
        for start in range(0, count, PREPARE_ROWS):
            items = self._made(range(start, min(start + PREPARE_ROWS, count)))
            lengths.extend(map(len, items))
            if kept is not None:
                kept += items
        self.lengths: Sequence[int] = lengths
        self._kept = kept

    def take(self, positions: Sequence[int]) -> list[Any]:
        """The items of the rows at these positions."""
        if self._kept is None:
            return self._made(positions)
        return [self._kept[position] for position in positions]

    def __iter__(self) -> Iterator[Any]:
        for start in range(0, len(self.lengths), PREPARE_ROWS):
            yield from self.take(range(start, min(start + PREPARE_ROWS, len(self.lengths))))

    def _made(self, positions: Sequence[int]) -> list[Any]:
        return self._prepare(self._rows.records(self._split, positions))
