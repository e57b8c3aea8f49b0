"""The sources `csv` and `tsv`: a table of text, each cell exactly as the file has it.

The standard library's reader, not the one of `datasets`: that one turns "007" into 7 and "NA" into a
missing value, and fills up short rows.
"""

import csv
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import cached_property
from typing import Any

from attrs import define

from mtlkit.builtin.data.bad_rows import BadRows
from mtlkit.builtin.data.files import Part, digest_of_parts, parts, same_columns, with_split
from mtlkit.builtin.data.options import CsvOptions, TsvOptions
from mtlkit.builtin.data.spans import Spans
from mtlkit.builtin.data.text_file import TextFile
from mtlkit.contracts.data import Record, Skipped
from mtlkit.errors import DataError, Problem

LONGEST_CELL = 2**31 - 1
BLANK = 'remove it; an empty cell is written ""'

Options = CsvOptions | TsvOptions


class CsvSource:
    """Rows of comma or tab separated files; the builder of the sources `csv` and `tsv`."""

    def __init__(self, options: Options) -> None:
        self._options = options

    def columns(self) -> tuple[str, ...]:
        """Column names, from the headers alone.

        Raises:
            ResourceError: when a file is missing.
            DataError: when a header is missing, can't be read, or names a column twice.
        """
        return same_columns((part, with_split(self._names(part), part)) for part in parts(self._options.path))

    def __len__(self) -> int:
        return len(self._spans)

    def rows(self, numbers: Sequence[int]) -> list[Record]:
        """The rows with these numbers (from 0), every cell a string.

        Raises:
            ResourceError: when a file is missing.
            DataError: naming file and line, when a row is ragged or blank, a quote is not closed, or
                the text holds NUL or doesn't fit the encoding, unless such rows are to be skipped.
        """
        spans = self._spans
        found = list(spans.read(numbers))
        texts = (raw.decode(spans.files[at].encoding) for at, raw in found)
        with _long_cells():
            cells = list(csv.reader(texts, **_dialect(self._options)))
        names, added = self._names_of, self._added
        return [
            dict(zip(names[at], (*row, *added[at]), strict=True))
            for (at, _), row in zip(found, cells, strict=True)
        ]

    def fingerprint(self) -> str:
        """A hex digest of the files' bytes and of how they are read."""
        options = self._options
        facts = ["csv", options.delimiter, options.quote, options.header, options.names, options.encoding]
        return digest_of_parts(facts, options.path)

    def skipped(self) -> Skipped:
        """The rows that could not be read and were left out."""
        _ = self._spans
        return self._bad.skipped()

    @cached_property
    def _bad(self) -> BadRows:
        return BadRows(self._options.on_bad_row)

    @cached_property
    def _added(self) -> list[list[str]]:
        """What is added to the cells of each file: the name of its split."""
        return [[] if part.split is None else [part.split] for part in parts(self._options.path)]

    @cached_property
    def _names_of(self) -> list[tuple[str, ...]]:
        """The column names of each file, in its own order."""
        return [with_split(self._names(part), part) for part in parts(self._options.path)]

    @cached_property
    def _spans(self) -> Spans:
        self.columns()
        spans = Spans()
        for at, part in enumerate(parts(self._options.path)):
            file = TextFile(part.path, self._options.encoding)
            spans.begin(file)
            width = len(self._names_of[at]) - len(self._added[at])
            records = _records(file, self._options, self._bad)
            with _long_cells():
                if self._options.header:
                    next(records)
                for place, cells in records:
                    if len(cells) == width:
                        spans.add(place.start, place.end)
                    else:
                        self._bad.meet(_ragged(part, place.line, len(cells), width))
        return spans

    def _names(self, part: Part) -> tuple[str, ...]:
        options = self._options
        file = TextFile(part.path, options.encoding)
        # a header has to be right, whatever is done about rows
        bad = BadRows("error" if options.header else options.on_bad_row)
        with closing(_records(file, options, bad)) as records, _long_cells():
            first = next(records, None)
        if first is None and options.header:
            raise DataError(Problem("is empty, without even a header", file=str(part.path), line=1))
        if options.names is None:
            return tuple(first[1]) if first else ()
        wrong = first is not None and len(first[1]) != len(options.names)
        if first is not None and wrong and bad.mode == "error":
            message = f"has {len(first[1])} cells where names has {len(options.names)}"
            raise DataError(Problem(message, file=str(part.path), line=first[0].line))
        return options.names


@define
class _Place:
    """Where the record that is being read lies: its first and its last line, its bytes, what is wrong."""

    line: int = 0
    last: int = 0
    start: int = 0
    end: int = 0
    problem: Problem | None = None


def _records(
    file: TextFile, options: Options, bad: BadRows
) -> Generator[tuple[_Place, list[str]], None, None]:
    """The place of each record of the file and its cells; blank lines at the end are none."""
    place = _Place()
    blank: list[int] = []
    with closing(file.lines()) as lines:
        reader = csv.reader(_feed(file, lines, place), **_dialect(options))
        while True:
            place.line, place.problem = 0, None
            cells: list[str] | None = []
            try:
                cells = next(reader, None)
            except csv.Error as error:
                place.problem = _unreadable(file, place, error, bad)
            if cells is None:
                return
            if not cells and place.problem is None:
                blank.append(place.line)
                continue
            for line in blank:
                bad.meet(Problem("is blank", BLANK, file=str(file.path), line=line))
            blank.clear()
            if place.problem is None:
                yield place, cells
            else:
                bad.meet(place.problem)


def _feed(file: TextFile, lines: Iterator[tuple[int, int, bytes]], place: _Place) -> Iterator[str]:
    """The text of the lines, telling `place` where the record lies that they are read for."""
    for number, start, raw in lines:
        if not place.line:
            place.line, place.start = number, start
        place.last, place.end = number, start + len(raw)
        text, problem = file.decoded(raw, number)
        place.problem = place.problem or problem
        yield text


def _dialect(options: Options) -> dict[str, Any]:
    return {
        "delimiter": options.delimiter,
        "quotechar": options.quote or None,
        "quoting": csv.QUOTE_MINIMAL if options.quote else csv.QUOTE_NONE,
        "strict": True,
    }


@contextmanager
def _long_cells() -> Iterator[None]:
    """Inside, cells may be of any length; the limit belongs to the process, so it is put back."""
    before = csv.field_size_limit(LONGEST_CELL)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _ragged(part: Part, line: int, cells: int, columns: int) -> Problem:
    advice = "quote cells that hold the delimiter" if cells > columns else "write empty cells too"
    found = "1 cell" if cells == 1 else f"{cells} cells"
    return Problem(f"has {found} where the table has {columns}", advice, file=str(part.path), line=line)


def _unreadable(file: TextFile, place: _Place, error: csv.Error, bad: BadRows) -> Problem:
    """What is wrong with a record.

    Raises:
        DataError: when nobody can say where the record ends, as it can't be skipped then.
    """
    open_end = "unexpected end of data" in str(error)
    message = "opens a quote that is never closed" if open_end else f"can't be read as CSV: {error}"
    advice = 'double the quotes inside a cell, or set quote = "" where quotes mean nothing'
    problem = place.problem or Problem(message, advice, file=str(file.path), line=place.line)
    if bad.mode == "skip" and (open_end or place.last > place.line):
        message = f"{message}, so where its row ends is unknown and it can't be skipped"
        raise DataError(Problem(message, advice, file=str(file.path), line=place.line)) from error
    return problem
