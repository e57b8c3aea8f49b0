"""Rows that a command writes: JSON lines or a table; a file is there whole or not at all."""

import csv
import io
import json
import math
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from mtlkit.cli.rows_in import RowFormat
from mtlkit.errors import ResourceError
from mtlkit.whole_file import fresh

STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")


@contextmanager
def opened(file: Path | None) -> Iterator[TextIO]:
    """Where to write: the file, renamed into its place at the end of the block, or standard output.

    Raises:
        ResourceError: when the file can't be written.
    """
    if file is None:
        stream = io.TextIOWrapper(sys.stdout.buffer, encoding="utf-8", newline="", write_through=True)
        try:
            yield stream
        finally:
            stream.detach()
        return
    # a device or a pipe is written to as it is: a file that took its name would replace it
    aside = file if file.exists() and not file.is_file() else file.with_name(f"{file.name}.partial")
    try:
        binary = fresh(aside) if aside != file else file.open("wb")
        with io.TextIOWrapper(binary, encoding="utf-8", newline="") as stream:
            yield stream
        if aside != file:
            os.replace(aside, file)  # noqa: PTH105  what is there is replaced, on every system
    except OSError as error:
        raise ResourceError(
            f"{file} can't be written: {error.strerror or error}", "choose another --out"
        ) from error
    finally:
        if aside != file:
            aside.unlink(missing_ok=True)


class RowWriter:
    """Writes rows with these columns to a stream."""

    def __init__(self, stream: TextIO, form: RowFormat, columns: Sequence[str]) -> None:
        self._stream, self._form, self._columns = stream, form, columns
        if form != "jsonl":
            self._write_cells([harmless(name) for name in columns])

    def write(self, row: Mapping[str, Any]) -> None:
        """Write one row."""
        if self._form == "jsonl":
            self._stream.write(
                json.dumps({name: plain(cell) for name, cell in row.items()}, ensure_ascii=False) + "\n"
            )
        else:
            self._write_cells([_cell(row.get(name)) for name in self._columns])

    def _write_cells(self, cells: Sequence[str]) -> None:
        line = io.StringIO(newline="")
        # a cell is quoted for the characters of the line's end, and both of these end one for a reader
        csv.writer(line, delimiter="\t" if self._form == "tsv" else ",", lineterminator="\r\n").writerow(
            cells
        )
        self._stream.write(line.getvalue().removesuffix("\r\n") + "\n")


def plain(value: Any) -> Any:  # noqa: ANN401  a prediction
    """The value as JSON has it: arrays as lists, numbers that are not finite as null."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(each) for each in value]
    return value


def _cell(value: Any) -> str:  # noqa: ANN401  a prediction
    value = plain(value)
    if value is None:
        return ""
    return harmless(value) if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def harmless(text: str) -> str:
    """The text as a cell that no spreadsheet takes for a formula: with an apostrophe before it if need be.

    Numbers, with a sign too, stay as they are. A NUL, which no table can hold, is replaced by U+FFFD.
    """
    text = text.replace("\0", "\ufffd")
    return f"'{text}" if text.lstrip(" ").startswith(STARTS) and not NUMBER.fullmatch(text) else text
