"""The source `csv`: a table of text, each cell exactly as the file has it.

The standard library's reader, not the one of `datasets`: that one turns "007" into 7 and "NA" into a
missing value, and fills up short rows.
"""

import csv
from collections.abc import Generator, Sequence
from contextlib import closing, contextmanager
from functools import cached_property

from mtlkit.builtin.data.files import Part, digest_of_parts, lines, parts, same_columns, with_split
from mtlkit.builtin.data.options import CsvOptions
from mtlkit.builtin.data.table import Table
from mtlkit.contracts.data import Record
from mtlkit.errors import DataError, Problem

LONGEST_CELL = 2**31 - 1


class CsvSource:
    """Rows of comma-separated files; the builder of the source `csv`."""

    def __init__(self, options: CsvOptions) -> None:
        self._options = options

    def columns(self) -> tuple[str, ...]:
        """Column names, from the headers alone.

        Raises:
            ResourceError: when a file is missing.
            DataError: when a header is missing, can't be read, or names a column twice.
        """
        return same_columns((part, with_split(self._names(part), part)) for part in parts(self._options.path))

    def __len__(self) -> int:
        return len(self._table)

    def rows(self, numbers: Sequence[int]) -> list[Record]:
        """The rows with these numbers (from 0), every cell a string.

        Raises:
            ResourceError: when a file is missing.
            DataError: naming file and line, when a row is ragged or blank, a quote is not closed, or
                the text holds NUL or doesn't fit the encoding.
        """
        return self._table.rows(numbers)

    def fingerprint(self) -> str:
        """A hex digest of the files' bytes and of how they are read."""
        options = self._options
        facts = ["csv", options.delimiter, options.quote, options.header, options.names, options.encoding]
        return digest_of_parts(facts, options.path)

    @cached_property
    def _table(self) -> Table:
        columns = self.columns()
        cells = []
        for part in parts(self._options.path):
            cells += self._cells(part, columns)
        return Table(columns, cells)

    def _names(self, part: Part) -> tuple[str, ...]:
        options = self._options
        with closing(_records(part, options)) as records:
            first = next(records, None)
        if first is None and options.header:
            raise DataError(Problem("is empty, without even a header", file=str(part.path), line=1))
        if options.names is None:
            return tuple(first[1]) if first else ()
        if first is not None and len(first[1]) != len(options.names):
            message = f"has {len(first[1])} cells where names has {len(options.names)}"
            raise DataError(Problem(message, file=str(part.path), line=first[0]))
        return options.names

    def _cells(self, part: Part, columns: tuple[str, ...]) -> list[list[str]]:
        """The cells of every row of a file, in the order of `columns`."""
        names = with_split(self._names(part), part)
        order = None if names == columns else [names.index(column) for column in columns]
        added = [] if part.split is None else [part.split]
        width = len(names) - len(added)
        found = []
        records = _records(part, self._options)
        if self._options.header:
            next(records)
        for line, cells in records:
            if len(cells) != width:
                raise DataError(_ragged(part, line, len(cells), width))
            cells += added
            found.append(cells if order is None else [cells[place] for place in order])
        return found


def _records(part: Part, options: CsvOptions) -> Generator[tuple[int, list[str]], None, None]:
    """The line each record of the file begins on, and its cells; blank lines at the end are none."""
    source = lines(part.path, options.encoding, newline="")
    reader = csv.reader(
        source,
        delimiter=options.delimiter,
        quotechar=options.quote or None,
        quoting=csv.QUOTE_MINIMAL if options.quote else csv.QUOTE_NONE,
        strict=True,
    )
    line, blank = 1, 0
    with closing(source):
        while True:
            with _long_cells():
                try:
                    cells = next(reader, None)
                except csv.Error as error:
                    raise DataError(_unreadable(part, line, error)) from error
            if cells is None:
                return
            if not cells:
                blank = blank or line
            elif blank:
                advice = 'remove it; an empty cell is written ""'
                raise DataError(Problem("is blank", advice, file=str(part.path), line=blank))
            else:
                yield line, cells
            line = reader.line_num + 1


@contextmanager
def _long_cells() -> Generator[None, None, None]:
    """Let cells be of any length; the limit belongs to the process, so it is put back each time."""
    before = csv.field_size_limit(LONGEST_CELL)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _ragged(part: Part, line: int, cells: int, columns: int) -> Problem:
    advice = "quote cells that hold the delimiter" if cells > columns else "write empty cells too"
    found = "1 cell" if cells == 1 else f"{cells} cells"
    return Problem(f"has {found} where the table has {columns}", advice, file=str(part.path), line=line)


def _unreadable(part: Part, line: int, error: csv.Error) -> Problem:
    message = f"can't be read as CSV: {error}"
    if "unexpected end of data" in str(error):
        message = "opens a quote that is never closed"
    advice = 'double the quotes inside a cell, or set quote = "" where quotes mean nothing'
    return Problem(message, advice, file=str(part.path), line=line)
