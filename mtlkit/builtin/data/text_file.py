"""A file of text as lines of bytes, each at a place where it is found again.

Lines are cut before they are decoded, so that a row is read without what stands before it and a byte that
does not fit the encoding spoils only its own line. Where an encoding has no bytes to cut at (UTF-16), or
remembers more than a line (ISO-2022), a copy in UTF-8 is made in a nameless temporary file.
"""

import codecs
import os
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

from mtlkit.builtin.data.files import nul, reading, undecodable
from mtlkit.builtin.data.nameless import finding_room, nameless_file
from mtlkit.errors import DataError, Problem

BLOCK_BYTES = 2**18
BYTE_ORDER_MARK = codecs.BOM_UTF8
# in these a line end is the byte 10 or 13, and no other character has that byte in it
CUT_BY_BYTES = ("utf-8", "ascii", "iso8859", "latin", "cp", "mac", "koi8", "gb", "big5", "shift_jis", "euc")

Line = tuple[int, int, bytes]
"""The number of a line from 1, where its first byte is, and its bytes with the line end."""
ReadAt = Callable[[int, int], bytes]


class TextFile:
    """One file of text; `any_end` also ends lines at a bare carriage return, as old files of tables do."""

    def __init__(self, path: Path, encoding: str, *, any_end: bool = True) -> None:
        self.path, self.any_end = path, any_end
        self.told = encoding
        self._name = codecs.lookup(encoding).name
        self._copied = not _cut_by_bytes(self._name)
        self.encoding = "utf-8" if self._copied else self._name
        self._stamp: tuple[int, int] | None = None

    def lines(self) -> Generator[Line, None, None]:
        """The lines from the first to the last, one block of the file in memory at a time.

        Raises:
            ResourceError: when the file can't be read.
            DataError: when it is in an encoding that needs a copy and does not fit it.
        """
        with self._opened() as file:
            self._stamp = self._stamp or _stamp(file)
            number, offset, rest = 1, 0, b""
            for block in _blocks(file.fileno()):
                found = self._cut(rest + block)
                # the last one may go on in the next block, or its "\r" be half of a "\r\n"
                rest = found.pop() if found and not found[-1].endswith(b"\n") else b""
                for raw in found:
                    yield self._unmarked(number, offset, raw)
                    number, offset = number + 1, offset + len(raw)
            for raw in self._cut(rest):
                yield self._unmarked(number, offset, raw)
                number, offset = number + 1, offset + len(raw)

    def decoded(self, raw: bytes, line: int) -> tuple[str, Problem | None]:
        """The text of some bytes, and what is wrong with it: a byte outside the encoding, or NUL."""
        try:
            text = raw.decode(self.encoding)
        except UnicodeDecodeError as error:
            text = raw.decode(self.encoding, "replace")
            at = line + raw[: error.start].count(b"\n")
            return text, undecodable(self.path, (self.told,), error, at)
        return text, nul(self.path, line + text[: text.index("\0")].count("\n")) if "\0" in text else None

    @contextmanager
    def at_places(self) -> Iterator[ReadAt]:
        """A function that reads the bytes from one place to another.

        Raises:
            DataError: when the file is not the one whose lines were read.
        """
        with self._opened() as file:
            if self._stamp not in (None, _stamp(file)):
                message = "has changed since it was first read"
                raise DataError(Problem(message, "start anew", file=str(self.path)))
            number = file.fileno()
            yield lambda start, end: os.pread(number, end - start, start)

    def _cut(self, block: bytes) -> list[bytes]:
        if self.any_end:
            return block.splitlines(keepends=True)
        whole = block.split(b"\n")
        last = whole.pop()
        return [line + b"\n" for line in whole] + ([last] if last else [])

    def _unmarked(self, number: int, offset: int, raw: bytes) -> Line:
        if number == 1 and self.encoding == "utf-8" and raw.startswith(BYTE_ORDER_MARK):
            return number, offset + len(BYTE_ORDER_MARK), raw.removeprefix(BYTE_ORDER_MARK)
        return number, offset, raw

    @contextmanager
    def _opened(self) -> Iterator[BinaryIO]:
        if self._copied:
            yield self._copy
            return
        with reading(self.path), self.path.open("rb") as file:
            yield file

    @cached_property
    def _copy(self) -> BinaryIO:
        """The file in UTF-8."""
        with finding_room():
            copy = nameless_file(self)
        decoder = codecs.getincrementaldecoder(self._name)()
        line = 1
        with reading(self.path), self.path.open("rb") as file:
            for block in iter(lambda: file.read(BLOCK_BYTES), b""):
                line += _append(copy, decoder, block, self, line)
            _append(copy, decoder, b"", self, line)
        with finding_room():
            copy.flush()
        return copy


def _append(
    copy: BinaryIO, decoder: codecs.IncrementalDecoder, block: bytes, file: TextFile, line: int
) -> int:
    """Add a block to the copy; how many lines it ended."""
    try:
        text = decoder.decode(block, final=not block)
        raw = text.encode()
    except UnicodeDecodeError as error:
        before = error.object[: error.start].decode(file.told, "ignore").count("\n")
        raise DataError(undecodable(file.path, (file.told,), error, line + before)) from error
    except UnicodeError as error:
        raise DataError(Problem(f"is not {file.told}: {error}", file=str(file.path), line=line)) from error
    with finding_room():
        copy.write(raw)
    return text.count("\n")


def _blocks(file: int) -> Iterator[bytes]:
    """The bytes of an open file from its beginning; its position is neither used nor moved."""
    place = 0
    while block := os.pread(file, BLOCK_BYTES, place):
        yield block
        place += len(block)


def _cut_by_bytes(name: str) -> bool:
    return name.startswith(CUT_BY_BYTES) and "\r\n".encode(name) == b"\r\n"


def _stamp(file: BinaryIO) -> tuple[int, int]:
    told = os.fstat(file.fileno())
    return told.st_size, told.st_mtime_ns
