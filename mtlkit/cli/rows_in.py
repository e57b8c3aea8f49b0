"""Rows that a command is given, in a file or on standard input; all of them are read before any is used."""

import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Literal

from attrs import evolve, frozen

from mtlkit.contracts.data import Record
from mtlkit.contracts.place import Place
from mtlkit.errors import DataError, Problem, ResourceError, UsageError

RowFormat = Literal["jsonl", "csv", "tsv"]
FORMATS: dict[str, RowFormat] = {".jsonl": "jsonl", ".csv": "csv", ".tsv": "tsv"}
STDIN = "<standard input>"


@frozen
class Lines:
    """The rows, the line that each is on, and the columns in the order they came up."""

    rows: list[Record]
    numbers: list[int]
    columns: tuple[str, ...]
    file: str

    def check(self, wrong: Callable[[Record], Problem | None]) -> None:
        """Raise the problem of the first row that has one, with its line.

        Raises:
            DataError: naming file and line.
        """
        for row, number in zip(self.rows, self.numbers, strict=True):
            problem = wrong(row)
            if problem is not None:
                raise DataError(evolve(problem, file=self.file, line=number))


def format_of(file: Path | None, asked: RowFormat | None) -> RowFormat:
    """The format asked for, else that of the file's name, else JSON lines.

    Raises:
        UsageError: when the file's name tells no format.
    """
    if asked is not None or file is None:
        return asked or "jsonl"
    if file.suffix not in FORMATS:
        raise UsageError(
            f"the name of {str(file)!r} tells no format", f"end it in {', '.join(FORMATS)}, or say --format"
        )
    return FORMATS[file.suffix]


def read_rows(file: Path | None, form: RowFormat) -> Lines:
    """All rows of a file, or of standard input where there is none.

    Raises:
        ResourceError: when the file can't be read.
        DataError: naming file and line, when something is no row.
    """
    shown = STDIN if file is None else str(file)
    try:
        raw = sys.stdin.buffer.read() if file is None else file.read_bytes()
    except OSError as error:
        raise ResourceError(f"{shown} can't be read: {error.strerror or error}") from error
    return _json_lines(raw, shown) if form == "jsonl" else _table(raw, shown, form)


def words_for(lines: Lines, columns: set[str]) -> Lines:
    """The same with the cells of these columns split at white space: a table has no lists."""
    rows: list[Record] = [
        {
            name: cell.split() if name in columns and isinstance(cell, str) else cell
            for name, cell in row.items()
        }
        for row in lines.rows
    ]
    return evolve(lines, rows=rows)


def _json_lines(raw: bytes, shown: str) -> Lines:
    from mtlkit.builtin.data.json_text import decoded

    rows: list[Record] = []
    numbers: list[int] = []
    columns: dict[str, None] = {}
    blank = 0
    for number, line in enumerate(raw.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        if not line.strip():
            blank = blank or number
            continue
        if blank:
            raise DataError(Problem("is blank", "remove it", file=shown, line=blank))
        row = decoded(_text(line, shown, number), Path(shown), number)
        rows.append(row)
        numbers.append(number)
        columns |= dict.fromkeys(row)
    return Lines(rows, numbers, tuple(columns), shown)


def _text(line: bytes, shown: str, number: int) -> str:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError as error:
        message = f"is not UTF-8: byte {line[error.start]:#04x} in column {error.start + 1}"
        raise DataError(Problem(message, "convert it to UTF-8", file=shown, line=number)) from error


def _table(raw: bytes, shown: str, form: RowFormat) -> Lines:
    """A table, read as the data sources `csv` and `tsv` read theirs, from a copy."""
    from mtlkit.builtin.data.csv import CsvSource
    from mtlkit.builtin.data.options import CsvOptions, TsvOptions

    with NamedTemporaryFile(suffix=f".{form}") as copy:
        copy.write(raw)
        copy.flush()
        place = Place(copy.name)
        source = CsvSource(CsvOptions(path=place) if form == "csv" else TsvOptions(path=place))
        try:
            rows = source.rows(range(len(source)))
            columns = source.columns()
        except DataError as error:
            raise DataError([evolve(each, file=shown) for each in error.problems]) from error
    # the line of a row is not told by these sources; a row of a table has all columns, and is text
    return Lines(rows, [0] * len(rows), columns, shown)
