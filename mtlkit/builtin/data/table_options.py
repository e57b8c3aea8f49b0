"""Options of the sources that have types: Parquet, Arrow, the hub, data bases, and rows from Python."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from attrs import frozen

from mtlkit.builtin.data import samples
from mtlkit.builtin.data.bad_rows import ON_BAD_ROW, OnBadRow
from mtlkit.builtin.data.options import PATH, check_path
from mtlkit.contracts.data import Record
from mtlkit.contracts.options import option
from mtlkit.contracts.place import Place

Cell = str | int | float | bool
PASSWORD = "MTLKIT_SQL_PASSWORD"  # noqa: S105  the name of a variable, no password
SECRETS = frozenset({"password", "passwd", "pwd", "token", "secret", "key"})


@frozen
class ParquetOptions:
    """A Parquet file; dates, times and decimals are read as text."""

    path: Place | Mapping[str, Place] = option(PATH)
    on_bad_row: OnBadRow = option(ON_BAD_ROW, "error")

    def __attrs_post_init__(self) -> None:
        check_path(self.path)

    @staticmethod
    def write(folder: Path, rows: Sequence[Record]) -> dict[str, Any]:
        """Write rows below `folder`; the options table that reads them."""
        return samples.write_parquet(folder, rows)

    @classmethod
    def sample(cls, folder: Path) -> dict[str, Any]:
        """Write a small data set below `folder`; the options table that reads it."""
        return cls.write(folder, samples.ROWS)


@frozen
class ArrowOptions:
    """An Arrow file, in the format with random access or the one for streams, as `datasets` keeps it.

    It is mapped into memory, not read; dates, times and decimals come as text.
    """

    path: Place | Mapping[str, Place] = option(PATH)
    on_bad_row: OnBadRow = option(ON_BAD_ROW, "error")

    def __attrs_post_init__(self) -> None:
        check_path(self.path)

    @staticmethod
    def write(folder: Path, rows: Sequence[Record]) -> dict[str, Any]:
        """Write rows below `folder`; the options table that reads them."""
        return samples.write_arrow(folder, rows)

    @classmethod
    def sample(cls, folder: Path) -> dict[str, Any]:
        """Write a small data set below `folder`; the options table that reads it."""
        return cls.write(folder, samples.ROWS)


@frozen
class HubOptions:
    """A data set of the Hugging Face hub; a column `split` says which split a row comes from."""

    name: str = option('the data set, as "owner/name"')
    config: str | None = option("which configuration of the data set", None)
    splits: tuple[str, ...] = option("which splits to read; left out, all", ())
    revision: str | None = option("a branch, tag or commit; give a commit to get the same rows forever", None)

    @staticmethod
    def sample(folder: Path) -> dict[str, Any]:
        """Write a small data set below `folder`; the options table that reads it."""
        return samples.write_hub(folder)


@frozen
class SqlOptions:
    """The rows that a query gives, from a SQLite file or, with SQLAlchemy, another data base.

    A data base may give rows in any order that the query leaves open: write `ORDER BY`. A recipe holds no
    password; it is read from the environment variable `MTLKIT_SQL_PASSWORD`.
    """

    query: str = option("one statement that only reads: SELECT text, label FROM reviews ORDER BY id")
    path: Place | None = option("the SQLite file, opened for reading only", None)
    url: str | None = option("in place of path, an address for SQLAlchemy, without a password", None)
    on_bad_row: OnBadRow = option(ON_BAD_ROW, "error")

    def __attrs_post_init__(self) -> None:
        if (self.path is None) == (self.url is None):
            raise ValueError("either path, for a SQLite file, or url is needed")
        if not self.query.strip():
            raise ValueError("query is empty")
        if self.url is not None:
            told = urlsplit(self.url)
            keys = {key.lower() for key, _ in parse_qsl(told.query)}
            if told.password is not None or keys & SECRETS:
                raise ValueError(f"url holds a password; leave it out and set {PASSWORD}")

    @staticmethod
    def password() -> str | None:
        """The password for the data base, None where none is set."""
        return os.environ.get(PASSWORD)

    @staticmethod
    def write(folder: Path, rows: Sequence[Record]) -> dict[str, Any]:
        """Write rows below `folder`; the options table that reads them."""
        return samples.write_sqlite(folder, rows)

    @classmethod
    def sample(cls, folder: Path) -> dict[str, Any]:
        """Write a small data set below `folder`; the options table that reads it."""
        return cls.write(folder, samples.ROWS)


@frozen
class MemoryOptions:
    """Rows handed over in Python: `mtlkit.plan(recipe, data={"reviews": rows})`.

    Rows are a list of dictionaries, a pandas DataFrame, a `datasets.Dataset` or a `pyarrow.Table`. What a row
    lacks is missing, and so is NaN. A few rows may stand in the recipe itself.
    """

    rows: tuple[Mapping[str, Cell], ...] = option("rows to use where none are handed over", ())

    @staticmethod
    def write(folder: Path, rows: Sequence[Record]) -> dict[str, Any]:  # noqa: ARG004  no file is needed
        """The options table that holds the rows."""
        return {"rows": [dict(row) for row in rows]}

    @classmethod
    def sample(cls, folder: Path) -> dict[str, Any]:
        """The options table of a small data set."""
        return cls.write(folder, samples.ROWS)
