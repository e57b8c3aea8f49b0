"""Rows that a command writes: JSON lines or a table; a file is there whole or not at all."""

import csv
import io
import json
import math
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from mtlkit.cli.rows_in import RowFormat
from mtlkit.errors import ResourceError


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
        with aside.open("w", encoding="utf-8", newline="") as stream:
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
        self._table = csv.writer(stream, delimiter="\t" if form == "tsv" else ",", lineterminator="\n")
        if form != "jsonl":
            self._table.writerow(columns)

    def write(self, row: Mapping[str, Any]) -> None:
        """Write one row."""
        if self._form == "jsonl":
            self._stream.write(
                json.dumps({name: plain(cell) for name, cell in row.items()}, ensure_ascii=False) + "\n"
            )
        else:
            self._table.writerow([_cell(row.get(name)) for name in self._columns])


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
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
