"""A shelf on disk: the values of one split of one view at one depth, kept from run to run.

A folder holds `about.json`, what the values are; `values`, the chunks one after another, where each has its
place from the start; and `sums`, per chunk a digest of its bytes, 0 where it is missing. A chunk is written
before its digest, and held against it before its first use: after a torn write or a flipped bit it is missing
and computed again.
"""

import fcntl
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from attrs import define, field, frozen
from torch import Tensor

from mtlkit.engine.shelves import ABOUT, LOCK

VALUES, SUMS = "values", "sums"
CHUNK_TOKENS, CHUNK_ROWS = 512, 64
"""A chunk ends before it has more; a longer row is a chunk of its own."""


@frozen(eq=False)
class Layout:
    """The order of rows on a shelf, by length, and its chunks: `bounds` say where they begin and end.

    `place` says where in the order each row is, and `number` in which chunk each place is.
    """

    lengths: np.ndarray
    order: np.ndarray
    place: np.ndarray
    bounds: np.ndarray
    number: np.ndarray

    @classmethod
    def of(cls, lengths: Sequence[int]) -> Self:
        """The layout that follows from the rows' lengths in tokens."""
        known = np.asarray(lengths, np.int64)
        order = np.argsort(known, kind="stable")
        place = np.empty_like(order)
        place[order] = np.arange(len(order))
        bounds = _bounds(known[order])
        return cls(known, order, place, bounds, np.repeat(np.arange(len(bounds) - 1), np.diff(bounds)))

    @property
    def chunks(self) -> int:
        """How many chunks there are."""
        return len(self.bounds) - 1

    def chunk_of(self, row: int) -> int:
        """The number of the chunk that a row is in."""
        return int(self.number[self.place[row]])

    def chunk(self, number: int) -> list[int]:
        """The rows of a chunk, in its order."""
        found: list[int] = self.order[self.bounds[number] : self.bounds[number + 1]].tolist()
        return found

    def starts(self, width: int, ragged: bool) -> np.ndarray:
        """Where each place begins, in numbers, and where the last one ends: `width` a token, or a row."""
        sizes = self.lengths[self.order] * width if ragged else np.full(len(self.order), width)
        return np.concatenate([[0], np.cumsum(sizes)])


@define(eq=False)
class ShelfFile:
    """An open shelf. It holds a shared lock on its folder, so that nobody removes it meanwhile."""

    layout: Layout
    ragged: bool
    width: int
    starts: np.ndarray
    values: Tensor
    sums: np.ndarray
    _files: tuple[int, ...]
    _whole: set[int] = field(factory=set)

    @classmethod
    def open(cls, folder: Path, layout: Layout) -> Self:
        """The shelf in that folder.

        Raises:
            OSError: when there is none, or it can't be used.
            ValueError: when it is damaged.
        """
        lock = os.open(folder / LOCK, os.O_RDWR)
        files = [lock]
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
            dtype, width, ragged = getattr(torch, about["dtype"]), int(about["width"]), bool(about["ragged"])
            starts = layout.starts(width, ragged)
            bytes_ = int(starts[-1]) * dtype.itemsize
            sizes = (folder / VALUES).stat().st_size, (folder / SUMS).stat().st_size
            if sizes != (bytes_, 8 * layout.chunks) or not bytes_:
                raise ValueError(f"{folder} holds other rows")
            files += [os.open(folder / name, os.O_RDWR) for name in (VALUES, SUMS)]
            mapped = torch.from_file(str(folder / VALUES), shared=True, size=bytes_, dtype=torch.uint8)
            sums = np.memmap(folder / SUMS, np.uint64, "r+").view(np.ndarray)
            os.utime(folder / ABOUT)
        except BaseException:
            for file in files:
                os.close(file)
            raise
        return cls(layout, ragged, width, starts, mapped.view(dtype), sums, tuple(files))

    @classmethod
    def make(cls, folder: Path, layout: Layout, sample: Tensor, about: Mapping[str, Any]) -> Self:
        """A new shelf for values like the sample, [t, H] or [H], or the one of somebody who was faster.

        Raises:
            OSError: when it can't be made.
        """
        ragged, width = sample.dim() == 2, int(sample.shape[-1])
        size = int(layout.starts(width, ragged)[-1]) * sample.element_size()
        told = {**about, "dtype": str(sample.dtype).removeprefix("torch."), "width": width, "ragged": ragged}
        aside = folder.with_name(f"{folder.name}.{os.getpid()}.partial")
        try:
            aside.mkdir(parents=True)
            (aside / LOCK).touch()
            (aside / ABOUT).write_text(json.dumps(told, indent=1), encoding="utf-8")
            with (aside / VALUES).open("wb") as file:
                file.truncate(size)
            # not a hole: it is written through memory, where a disk without room kills the process
            (aside / SUMS).write_bytes(bytes(8 * layout.chunks))
            aside.rename(folder)
        except OSError:
            if not (folder / ABOUT).exists():
                raise
        finally:
            shutil.rmtree(aside, ignore_errors=True)
        return cls.open(folder, layout)

    @property
    def size(self) -> int:
        """Bytes of its values when it is full."""
        return int(self.starts[-1]) * self.values.element_size()

    def has(self, number: int) -> bool:
        """Whether a chunk is there and whole."""
        if number not in self._whole and self.sums[number] and self.sums[number] == self._sum(number):
            self._whole.add(number)
        return number in self._whole

    def row(self, row: int) -> Tensor:
        """The value of a row whose chunk is there."""
        place = self.layout.place[row]
        value = self.values[self.starts[place] : self.starts[place + 1]]
        return value.view(-1, self.width) if self.ragged else value

    def vectors(self, rows: Sequence[int]) -> Tensor | None:
        """The values of rows that are vectors, as one tensor; None where one of them is not there."""
        places = self.layout.place[rows]
        if self.ragged or not all(map(self.has, set(self.layout.number[places].tolist()))):
            return None
        return self.values.view(-1, self.width).index_select(0, torch.from_numpy(places))

    def write(self, number: int, values: Sequence[Tensor]) -> None:
        """Keep a chunk, in its order.

        Raises:
            OSError: when there is no room; the chunk is missing then.
        """
        _, file, _ = self._files
        content = torch.cat([value.detach().cpu().reshape(-1) for value in values]).contiguous()
        data = memoryview(content.view(torch.uint8).numpy().data)
        at = int(self.starts[self.layout.bounds[number]]) * content.element_size()
        while data:
            written = os.pwrite(file, data, at)
            data, at = data[written:], at + written
        self.sums[number] = self._sum(number)
        self._whole.add(number)

    def close(self) -> None:
        """Give up the lock."""
        for file in self._files:
            os.close(file)

    def _sum(self, number: int) -> int:
        begin, end = self.starts[self.layout.bounds[number : number + 2]]
        part = self.values[begin:end]
        digest = blake2b(part.view(torch.uint8).numpy().data, digest_size=8).digest()
        return int.from_bytes(digest, "big") or 1


def _bounds(lengths: np.ndarray) -> np.ndarray:
    """Where the chunks of rows of these rising lengths begin, and where the last one ends."""
    ends = np.concatenate([[0], np.cumsum(lengths)])
    bounds = [0]
    while (first := bounds[-1]) < len(lengths):
        fits = int(np.searchsorted(ends, ends[first] + CHUNK_TOKENS, side="right")) - 1
        bounds.append(min(max(fits, first + 1), first + CHUNK_ROWS, len(lengths)))
    return np.asarray(bounds)
