"""The source `sql`: the rows that a query gives."""

import json
import math
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from functools import cached_property
from hashlib import blake2b
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from mtlkit.builtin.data.bad_rows import BadRows
from mtlkit.builtin.data.spool import Spool
from mtlkit.builtin.data.table import check_numbers
from mtlkit.builtin.data.table_options import SqlOptions
from mtlkit.contracts.data import Record, Skipped, Value
from mtlkit.errors import DataError, Problem, ResourceError

READING = frozenset(
    {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}
)


class SqlSource:
    """The rows of a query, read once into a temporary file; the builder of the source `sql`."""

    def __init__(self, options: SqlOptions) -> None:
        self._options = options
        self._bad = BadRows(options.on_bad_row)

    def columns(self) -> tuple[str, ...]:
        """The names that the query gives its columns.

        Raises:
            ResourceError: when the file or SQLAlchemy is missing, or the data base can't be reached.
            DataError: when the query fails, gives no rows or two columns of one name.
        """
        with self._answered() as (names, _):
            return self._named(names)

    def __len__(self) -> int:
        return len(self._rows)

    def rows(self, numbers: Sequence[int]) -> list[Record]:
        """The rows with these numbers (from 0), in the order of the answer.

        Raises:
            ResourceError: as for `columns`.
            DataError: as for `columns`, and when a row holds bytes or text that is not UTF-8, unless such
                rows are to be skipped.
        """
        check_numbers(numbers, len(self._rows))
        return [dict(zip(self._names, self._rows.get(number), strict=True)) for number in numbers]

    def fingerprint(self) -> str:
        """A hex digest of the columns and all rows, in their order."""
        whole = blake2b(json.dumps(self._names).encode(), digest_size=32)
        for number in range(len(self._rows)):
            whole.update(json.dumps(self._rows.get(number)).encode())
        return whole.hexdigest()

    def skipped(self) -> Skipped:
        """The rows that could not be read and were left out."""
        _ = self._rows
        return self._bad.skipped()

    @cached_property
    def _names(self) -> tuple[str, ...]:
        return self.columns()

    @cached_property
    def _rows(self) -> Spool:
        spool = Spool()
        with self._answered() as (names, rows):
            for number, row in enumerate(rows):
                wrong = next(
                    (name for name, cell in zip(names, row, strict=True) if not _is_plain(cell)), None
                )
                if wrong is None:
                    spool.add(list(row))
                else:
                    message = f"row {number} (from 0) of the query has no text or number in column {wrong!r}"
                    advice = "bytes, and text that is not UTF-8, have to be left out or cast by the query"
                    self._bad.meet(Problem(message, advice, file=self._place))
        return spool

    @contextmanager
    def _answered(self) -> Iterator[tuple[tuple[str, ...], Iterator[Sequence[Value]]]]:
        """The columns and the rows of the answer."""
        path = self._options.path
        with _sqlite(path.existing(), self._options.query) if path else _engine(self._options) as answer:
            yield answer

    @property
    def _place(self) -> str:
        path = self._options.path
        return str(path.path()) if path else str(self._options.url)

    def _named(self, names: tuple[str, ...]) -> tuple[str, ...]:
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            named = ", ".join(map(repr, twice))
            message, advice = f"the query gives more than one column {named}", "name them: SELECT a AS first"
            raise DataError(Problem(message, advice, file=self._place))
        return names


@contextmanager
def _sqlite(path: Path, query: str) -> Iterator[tuple[tuple[str, ...], Iterator[Sequence[Value]]]]:
    try:
        address = f"file:{quote(str(path))}?mode=ro"
        with closing(sqlite3.connect(address, uri=True)) as connection:
            connection.text_factory = _text
            connection.set_authorizer(lambda action, *_: _allowed(action))
            cursor = connection.execute(query)
            if cursor.description is None:
                raise DataError(Problem("the query gives no rows", "write a SELECT", file=str(path)))
            yield tuple(str(column[0]) for column in cursor.description), cursor
    except (sqlite3.Error, sqlite3.Warning, UnicodeDecodeError) as error:  # messages repeat what is damaged
        advice = "a query may only read" if "not authorized" in str(error) else ""
        raise DataError(Problem(f"the query fails: {error}", advice, file=str(path))) from error


@contextmanager
def _engine(options: SqlOptions) -> Iterator[tuple[tuple[str, ...], Iterator[Sequence[Value]]]]:
    """The same of a data base that SQLAlchemy knows; its transaction is never committed."""
    url, password = str(options.url), options.password()
    try:
        sqlalchemy: Any = import_module("sqlalchemy")
    except ImportError as error:
        message = f"the data base at {_shown(url)} needs SQLAlchemy, which is not installed"
        raise ResourceError(
            message, "pip install sqlalchemy, and what it needs for this data base"
        ) from error
    try:
        address = sqlalchemy.make_url(url)
        engine = sqlalchemy.create_engine(address.set(password=password) if password else address)
        with engine.connect() as connection:
            answer = connection.execution_options(stream_results=True).execute(sqlalchemy.text(options.query))
            yield tuple(map(str, answer.keys())), map(tuple, answer)
    except (sqlalchemy.exc.SQLAlchemyError, ImportError) as error:
        told = str(error).partition("\n")[0]
        told = told.replace(password, "***") if password else told  # a driver may repeat what it was given
        raise ResourceError(f"the data base at {_shown(url)} does not give the rows: {told}") from error


def _shown(url: str) -> str:
    told = urlsplit(url)
    return f"{told.scheme}://{told.hostname or ''}{told.path}"


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


def _allowed(action: int) -> int:
    return sqlite3.SQLITE_OK if action in READING else sqlite3.SQLITE_DENY


def _is_plain(cell: Value) -> bool:
    if isinstance(cell, str):
        return not any("\ud800" <= character <= "\udfff" for character in cell)
    return cell is None or (isinstance(cell, int | float) and math.isfinite(cell))
