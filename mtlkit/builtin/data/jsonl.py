"""The source `jsonl`: one JSON object per line."""

import json
import math
from collections.abc import Generator, Sequence
from contextlib import closing
from functools import cached_property
from itertools import islice
from typing import Any

from mtlkit.builtin.data.files import Part, digest_of_parts, lines, parts, same_columns, with_split
from mtlkit.builtin.data.options import JsonlOptions
from mtlkit.builtin.data.table import Table
from mtlkit.contracts.data import SPLIT_COLUMN, Record, Value
from mtlkit.errors import DataError, Problem

LINES_THAT_SHOW_THE_KEYS = 1000


class JsonlSource:
    """Rows of JSON lines; the builder of the source `jsonl`. A key that a line lacks is None there."""

    def __init__(self, options: JsonlOptions) -> None:
        self._options = options

    def columns(self) -> tuple[str, ...]:
        """The keys of the first 1,000 lines of each file, in the order they come up, or `names`.

        Raises:
            ResourceError: when a file is missing.
            DataError: naming file and line, when one of these lines is not a JSON object.
        """
        files = parts(self._options.path)
        names = self._options.names
        if names is None:
            seen: dict[str, None] = {}
            for part in files:
                with closing(_objects(part, self._options.encoding)) as objects:
                    for _, found in islice(objects, LINES_THAT_SHOW_THE_KEYS):
                        seen.update(dict.fromkeys(found))
            names = tuple(seen)
        return same_columns((part, with_split(names, part)) for part in files)

    def __len__(self) -> int:
        return len(self._table)

    def rows(self, numbers: Sequence[int]) -> list[Record]:
        """The rows with these numbers (from 0).

        Raises:
            ResourceError: when a file is missing.
            DataError: naming file and line, when a line is not one JSON object, repeats a key, holds a
                number that is not finite, or has a key that the first 1,000 lines lack.
        """
        return self._table.rows(numbers)

    def fingerprint(self) -> str:
        """A hex digest of the files' bytes and of how they are read."""
        options = self._options
        return digest_of_parts(["jsonl", options.names, options.encoding], options.path)

    @cached_property
    def _table(self) -> Table:
        columns = self.columns()
        known = frozenset(columns)
        cells = []
        for part in parts(self._options.path):
            added = {} if part.split is None else {SPLIT_COLUMN: part.split}
            for line, found in _objects(part, self._options.encoding):
                if self._options.names is None and not known.issuperset(found):
                    raise DataError(_late(part, line, next(key for key in found if key not in known)))
                found |= added
                cells.append([found.get(column) for column in columns])
        return Table(columns, cells)


def _objects(part: Part, encoding: str) -> Generator[tuple[int, dict[str, Value]], None, None]:
    """The number of each line and its object; blank lines at the end are none."""
    blank = 0
    with closing(lines(part.path, encoding, newline="\n")) as source:
        for number, line in enumerate(source, 1):
            if not line.strip():
                blank = blank or number
                continue
            if blank:
                raise DataError(Problem("is blank", "remove it", file=str(part.path), line=blank))
            yield number, _object(line, part, number)


def _object(line: str, part: Part, number: int) -> dict[str, Value]:
    advice = 'every line is one object: {"text": "...", "label": "..."}'
    try:
        found = _DECODER.decode(line.rstrip("\r\n"))
    except json.JSONDecodeError as error:
        message = f"is not JSON: {error.msg}"
        raise DataError(
            Problem(message, advice, file=str(part.path), line=number, column=error.colno)
        ) from error
    except (ValueError, RecursionError) as error:
        raise DataError(Problem(f"is not usable JSON: {error}", file=str(part.path), line=number)) from error
    if not isinstance(found, dict):
        raise DataError(Problem("is not a JSON object", advice, file=str(part.path), line=number))
    return found


def _late(part: Part, line: int, key: str) -> Problem:
    message = f"has the key {key!r}, which none of the first {LINES_THAT_SHOW_THE_KEYS:,} lines has"
    return Problem(message, "list the keys to read in names", file=str(part.path), line=line)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"the key {next(key for key in keys if keys.count(key) > 1)!r} is there twice")
    return found


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is not a finite number")
    return number


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_float=_finite, parse_constant=_finite)
