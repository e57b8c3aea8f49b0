"""Prepared rows of a split: kept, or where they are too many, prepared again whenever they are asked for."""

from array import array
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from mtlkit.contracts.data import Record
from mtlkit.contracts.rows import SplitName
from mtlkit.engine.rows import Rows
from mtlkit.engine.spans import spanned
from mtlkit.engine.token_shelf import TokenShelf
from mtlkit.errors import CHECK, PluginError, returned

PREPARE_ROWS = 2048
MOST_KEPT = 500_000

Prepare = Callable[[Sequence[Record]], list[Any]]


class Items:
    """What a backbone prepared of each row of a split; `lengths` are in tokens, 4 bytes a row.

    With a shelf, rows that an earlier run prepared are found there, and others are kept for later ones.
    """

    @spanned("data")
    def __init__(
        self, rows: Rows, split: SplitName, prepare: Prepare, shelf: TokenShelf | None = None
    ) -> None:
        self._rows, self._split, self._prepare = rows, split, prepare
        count = len(rows.splits[split])
        found = shelf.find(count) if shelf and count else None
        if found is not None:
            self.lengths: Sequence[int] = array("I", found.lengths.tobytes())
            self._kept: Sequence[Any] | None = found
            return
        writer = shelf.writer() if shelf and count else None
        kept: list[Any] | None = [] if count <= MOST_KEPT else None
        lengths = array("I")
        for start in range(0, count, PREPARE_ROWS):
            items = self._made(range(start, min(start + PREPARE_ROWS, count)))
            lengths.extend(map(len, items))
            if kept is not None:
                kept += items
            if writer is not None:
                writer.add(items)
        if writer is not None:
            writer.finish(lengths)
        self.lengths = lengths
        self._kept = shelf.find(count) if shelf and kept is None else kept

    @spanned("data")
    def take(self, positions: Sequence[int]) -> list[Any]:
        """The items of the rows at these positions."""
        if self._kept is None:
            return self._made(positions)
        return [self._kept[position] for position in positions]

    def __iter__(self) -> Iterator[Any]:
        for start in range(0, len(self.lengths), PREPARE_ROWS):
            yield from self.take(range(start, min(start + PREPARE_ROWS, len(self.lengths))))

    def _made(self, positions: Sequence[int]) -> list[Any]:
        made = self._prepare(self._rows.records(self._split, positions))
        items: list[Any] = returned(made, list, "the backbone", "prepare")
        if len(items) != len(positions):
            message = f"the backbone returned {len(items)} items for {len(positions)} rows from prepare"
            raise PluginError(message, CHECK)
        return items
