"""Prepared rows on disk: the tokens of one view of one split, flat and memory-mapped, from run to run.

A folder beside the shelves of activations holds `values`, the numbers of all rows one behind the other;
`lengths`, the tokens of each row; and `about.json`, what they are and a checksum of both files, which is held
against them whenever they are opened. The address is a digest of all that goes into them: how the backbone
prepares rows, and the content of every row. A folder is written aside and renamed when it is whole; a damaged
one is made again. Nobody holds it: who has it open keeps its bytes when it is removed.
"""

import json
import os
import shutil
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any, Self
from zlib import crc32

import numpy as np
from attrs import define, field, frozen

from mtlkit.contracts.backbone import Backbone, Flat, FlatRows
from mtlkit.engine.cache import Cache
from mtlkit.engine.shelves import ABOUT, ANY_DAMAGE, remove
from mtlkit.engine.versions import code_of

VALUES, LENGTHS = "values", "lengths"
FORMAT = 2


@frozen(eq=False)
class KeptRows(Sequence[Any]):
    """Prepared rows in a file; `starts` says where the numbers of each begin, `lengths` are in tokens."""

    flat: FlatRows
    fields: tuple[str, ...]
    lengths: np.ndarray
    starts: np.ndarray
    values: np.ndarray

    @classmethod
    def open(cls, folder: Path, flat: FlatRows, rows: int) -> Self:
        """The rows in that folder.

        Raises:
            OSError: when there are none, or they can't be read.
            ValueError: when they are damaged, or not so many.
        """
        about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
        lengths = np.fromfile(folder / LENGTHS, np.uint32)
        values = np.memmap(folder / VALUES, np.int32, "r").view(np.ndarray)
        fields = tuple(map(str, about["fields"]))
        starts = np.concatenate([[0], np.cumsum(lengths.astype(np.int64) * int(about["width"]))])
        if (
            len(lengths) != rows
            or starts[-1] != len(values)
            or _checksum(values, lengths) != about["checksum"]
        ):
            raise ValueError(f"{folder} is damaged")
        os.utime(folder / ABOUT)
        return cls(flat, fields, lengths, starts, values)

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, row: Any) -> Any:  # noqa: ANN401  one row, or those of a slice
        if isinstance(row, slice):
            return [self[at] for at in range(*row.indices(len(self)))]
        return self.flat.restored(self.fields, self.values[self.starts[row] : self.starts[row + 1]])


@define(eq=False)
class Writer:
    """Rows on their way to a folder; nothing is kept where they don't fit, or are not flat."""

    folder: Path
    flat: FlatRows
    cache: Cache
    words: str
    _fields: tuple[str, ...] | None = field(default=None, init=False)
    _failed: bool = field(default=False, init=False)

    def add(self, items: Sequence[Any]) -> None:
        """Write the next rows."""
        found = None if self._failed else self.flat.flattened(items)
        if found is None or self._fields not in (None, found[0]):
            self._failed = True
            return
        self._fields = found[0]
        try:
            self._aside.mkdir(parents=True, exist_ok=True)
            with (self._aside / VALUES).open("ab") as file:
                file.write(found[1].data)
        except OSError:
            self._failed = True

    def finish(self, lengths: Sequence[int]) -> None:
        """Give the folder its name, where all rows are in it and there is room."""
        try:
            if not self._failed and self._fields is not None:
                self._named(np.asarray(lengths, np.uint32), self._fields)
        except ANY_DAMAGE:
            return  # no room, no such place, or somebody was faster
        finally:
            shutil.rmtree(self._aside, ignore_errors=True)

    def _named(self, lengths: np.ndarray, fields: tuple[str, ...]) -> None:
        values = np.memmap(self._aside / VALUES, np.int32, "r")
        told = {"words": self.words, "fields": fields, "width": len(values) // max(int(lengths.sum()), 1)}
        about = json.dumps({**told, "checksum": _checksum(values, lengths)}, indent=1).encode()
        if self.cache.trim(values.nbytes + lengths.nbytes + len(about)) > 0:
            return
        lengths.tofile(self._aside / LENGTHS)
        (self._aside / ABOUT).write_bytes(about)
        remove(self.folder)  # what is there can't be used
        self._aside.rename(self.folder)

    @property
    def _aside(self) -> Path:
        return self.folder.with_name(f"{self.folder.name}.{os.getpid()}.partial")


@frozen(eq=False)
class TokenShelf:
    """Where the prepared rows of a view of a split are kept, and how."""

    cache: Cache
    flat: FlatRows
    address: str
    words: str

    @classmethod
    def of(cls, cache: Cache, flat: FlatRows, rows: Sequence[str], words: str) -> Self:
        """`rows` say what is prepared: the digest of all rows, which of them, and of which columns."""
        digest = blake2b(json.dumps(["tokens", FORMAT, flat.identity, *rows]).encode(), digest_size=20)
        return cls(cache, flat, digest.hexdigest(), words)

    def find(self, rows: int) -> KeptRows | None:
        """So many rows that were kept; None where there are none that can be used."""
        try:
            return KeptRows.open(self.cache.folder / self.address, self.flat, rows)
        except ANY_DAMAGE:
            return None

    def writer(self) -> Writer:
        """What keeps the rows that are prepared now."""
        return Writer(self.cache.folder / self.address, self.flat, self.cache, self.words)


def shelf_of(cache: Cache | None, backbone: Backbone, rows: Sequence[str], words: str) -> TokenShelf | None:
    """The shelf of rows that a backbone prepares; None where there is no cache, or its rows are not flat."""
    if cache is None or not isinstance(backbone, Flat) or not _speaks_of_itself(type(backbone)):
        return None
    code = code_of(type(backbone).__module__)
    return TokenShelf.of(cache, backbone.flat(), (code, *rows) if code else rows, words)


def _speaks_of_itself(backbone: type) -> bool:
    """Whether `flat` is of the class that prepares rows, or of one below it.

    Of a class that prepares rows otherwise and inherits `flat`, the identity would be that of other rows.
    """
    first = next(each for each in backbone.__mro__ if {"flat", "prepare", "locate"} & vars(each).keys())
    return "flat" in vars(first)


def _checksum(values: np.ndarray, lengths: np.ndarray) -> str:
    """What damage changes; it is not for telling rows apart, which the address does."""
    return f"{crc32(lengths.data, crc32(np.ascontiguousarray(values).data)):08x}"
