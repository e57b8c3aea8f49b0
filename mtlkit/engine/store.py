"""The activation store: what is frozen is computed once.

Its unit is a fixed chunk of rows of like length, always computed together, so that a stored value
does not depend on when or for which batch it was asked. A chunk that did not fit is computed again
the same way, which gives the same bytes.
"""

from collections.abc import Callable, Sequence

import torch
from attrs import define, field
from torch import Tensor

from mtlkit.engine.order import length_chunks

CHUNK_ROWS = 32
MAX_BYTES = 4 * 2**30


@define(eq=False)
class Shelf:
    """The values of one split of one view at one depth, one tensor per row."""

    chunks: Sequence[Sequence[int]]
    chunk_of: Sequence[int]
    rows: dict[int, Tensor] = field(factory=dict)

    @classmethod
    def for_lengths(cls, lengths: Sequence[int]) -> "Shelf":
        """An empty shelf whose chunks follow from the rows' lengths in tokens."""
        chunks = length_chunks(lengths, CHUNK_ROWS)
        chunk_of = [0] * len(lengths)
        for number, chunk in enumerate(chunks):
            for row in chunk:
                chunk_of[row] = number
        return cls(chunks, chunk_of)


@define(eq=False)
class Store:
    """Shelves by key, up to a number of bytes in all."""

    max_bytes: int = MAX_BYTES
    used: int = 0
    _shelves: dict[tuple[object, ...], tuple[int, Shelf]] = field(factory=dict)

    def rows(
        self,
        key: tuple[object, ...],
        depth: int,
        lengths: Sequence[int],
        wanted: Sequence[int],
        compute: Callable[[Sequence[int]], Sequence[Tensor]],
    ) -> list[Tensor]:
        """The values of the wanted rows; `compute` makes those of one chunk, in its order."""
        _, shelf = self._shelves.setdefault((*key, depth), (depth, Shelf.for_lengths(lengths)))
        found: dict[int, Tensor] = {}
        for row in wanted:
            if row in shelf.rows:
                found[row] = shelf.rows[row]
            elif row not in found:
                chunk = shelf.chunks[shelf.chunk_of[row]]
                values = dict(zip(chunk, compute(chunk), strict=True))
                found.update(values)
                self._keep(shelf, values)
        return [found[row] for row in wanted]

    def forget(self, depth: int) -> None:
        """Drop all values that weights of this depth or above went into: they are about to change."""
        for key, (shelf_depth, shelf) in list(self._shelves.items()):
            if shelf_depth >= depth:
                self.used -= sum(_bytes(value) for value in shelf.rows.values())
                del self._shelves[key]

    def _keep(self, shelf: Shelf, values: dict[int, Tensor]) -> None:
        size = sum(_bytes(value) for value in values.values())
        if self.used + size <= self.max_bytes:
            shelf.rows.update(values)
            self.used += size


def pad(rows: Sequence[Tensor]) -> Tensor:
    """Ragged rows [t_i, H] as one tensor [B, T, H], zeros behind each row."""
    return torch.nn.utils.rnn.pad_sequence(list(rows), batch_first=True)


def _bytes(value: Tensor) -> int:
    return value.numel() * value.element_size()
