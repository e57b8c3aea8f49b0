"""The activation store: what is frozen is computed once.

Its unit is a fixed chunk of rows of like length, always computed together, so that a stored value does not
depend on when or for which batch it was asked. A chunk that did not fit, was evicted or was damaged is
computed again the same way, which gives the same bytes. Values with an address are kept on disk, where later
runs find them; the others in memory.
"""

from collections.abc import Callable, Sequence

import torch
from attrs import define, field, frozen
from torch import Tensor

from mtlkit.engine.cache import Cache
from mtlkit.engine.shelf_file import Layout, ShelfFile
from mtlkit.engine.spans import spanned

MAX_BYTES = 4 * 2**30


@frozen
class Address:
    """What values are, as a digest of all that goes into them, and in words."""

    digest: str
    words: str


@define(eq=False)
class Shelf:
    """The values of one split of one view at one depth: a file where it has one, else one tensor per row."""

    layout: Layout
    depth: int
    address: Address | None
    file: ShelfFile | None = None
    rows: dict[int, Tensor] = field(factory=dict)

    def value(self, row: int) -> Tensor | None:
        """The value of a row, None where it is not kept."""
        if self.file is not None and self.file.has(self.layout.chunk_of(row)):
            return self.file.row(row)
        return self.rows.get(row)


@define(eq=False)
class Store:
    """Shelves by key: in memory up to a number of bytes in all, on disk as far as the cache has room."""

    max_bytes: int = MAX_BYTES
    cache: Cache | None = None
    used: int = 0
    _shelves: dict[tuple[object, ...], Shelf] = field(factory=dict)

    @spanned("stem")
    def rows(
        self,
        key: tuple[object, ...],
        depth: int,
        lengths: Sequence[int],
        wanted: Sequence[int],
        compute: Callable[[Sequence[int]], Sequence[Tensor]],
        address: Callable[[], Address | None] = lambda: None,
    ) -> list[Tensor]:
        """The values of the wanted rows; `compute` makes those of one chunk, in its order."""
        shelf = self._shelf((*key, depth), depth, lengths, address)
        found: dict[int, Tensor] = {}
        for row in wanted:
            value = found.get(row)
            if value is None:
                value = shelf.value(row)
            if value is None:
                number = shelf.layout.chunk_of(row)
                chunk = shelf.layout.chunk(number)
                values = compute(chunk)
                found.update(zip(chunk, values, strict=True))
                self._keep(shelf, number, chunk, values)
            else:
                found[row] = value
        return [found[row] for row in wanted]

    @spanned("stem")
    def vectors(
        self,
        key: tuple[object, ...],
        depth: int,
        lengths: Sequence[int],
        wanted: Sequence[int],
        compute: Callable[[Sequence[int]], Sequence[Tensor]],
        address: Callable[[], Address | None] = lambda: None,
    ) -> Tensor:
        """As `rows`, of values that are vectors [H], as one tensor [B, H]: from a whole file in one go."""
        shelf = self._shelf((*key, depth), depth, lengths, address)
        found = shelf.file.vectors(wanted) if shelf.file is not None else None
        if found is not None:
            return found
        return torch.stack(self.rows(key, depth, lengths, wanted, compute, address))

    def forget(self, depth: int) -> None:
        """Drop all values that weights of this depth or above went into: they are about to change."""
        for key, shelf in list(self._shelves.items()):
            if shelf.depth >= depth:
                self.used -= sum(_bytes(value) for value in shelf.rows.values())
                if shelf.file is not None:
                    shelf.file.close()
                del self._shelves[key]

    def close(self) -> None:
        """Let go of everything; what is on disk stays there, as far as it has room."""
        for depth in {shelf.depth for shelf in self._shelves.values()}:
            self.forget(depth)
        if self.cache is not None:
            self.cache.trim()

    def _shelf(
        self,
        key: tuple[object, ...],
        depth: int,
        lengths: Sequence[int],
        address: Callable[[], Address | None],
    ) -> Shelf:
        if key not in self._shelves:
            shelf = Shelf(Layout.of(lengths), depth, address() if self.cache else None)
            if self.cache and shelf.address:
                shelf.file = self.cache.find(shelf.address.digest, shelf.layout)
            self._shelves[key] = shelf
        return self._shelves[key]

    def _keep(self, shelf: Shelf, number: int, chunk: Sequence[int], values: Sequence[Tensor]) -> None:
        if self._keep_on_disk(shelf, number, values):
            return
        size = sum(map(_bytes, values))
        if self.used + size <= self.max_bytes:
            shelf.rows.update(zip(chunk, values, strict=True))
            self.used += size

    def _keep_on_disk(self, shelf: Shelf, number: int, values: Sequence[Tensor]) -> bool:
        if self.cache is None or shelf.address is None:
            return False
        try:
            if shelf.file is None:
                shelf.file = self.cache.make(
                    shelf.address.digest, shelf.layout, values[0], shelf.address.words
                )
            shelf.file.write(number, values)
        except OSError:  # no room, or no such place: this shelf goes on in memory
            shelf.address = None
            return False
        return True


def pad(rows: Sequence[Tensor]) -> Tensor:
    """Ragged rows [t_i, H] as one tensor [B, T, H], zeros behind each row."""
    return torch.nn.utils.rnn.pad_sequence(list(rows), batch_first=True)


def _bytes(value: Tensor) -> int:
    return value.numel() * value.element_size()
