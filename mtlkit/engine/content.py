"""Reading a source a few rows at a time, and the hash by which rows are drawn."""

import json
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from hashlib import blake2b
from json.encoder import encode_basestring_ascii as _quoted

from mtlkit.contracts.data import DataSource, Record, Value
from mtlkit.errors import CHECK, PluginError, returned

SALT = "mtlkit"
ROWS_AT_ONCE = 1024
_WRITER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), default=str)


def content_hash(
    row: Record, columns: Iterable[str] | None = None, salt: str = "", use: str = "split"
) -> int:
    """A keyed BLAKE2b (RFC 7693) of a row's cells, a number in [0, 2**64).

    The cells are those of `columns`, or all, written as JSON with sorted keys. `use` names what the
    number is for, so that hashes of different use are independent of each other.
    """
    return hash_of(content(row, columns), salt, use)


def content(row: Record, columns: Iterable[str] | None = None) -> str:
    """The cells of those columns, or all, as one text: JSON with sorted keys."""
    return _written(row if columns is None else {column: row[column] for column in columns})


def hash_of(text: str, salt: str = "", use: str = "split") -> int:
    """The `content_hash` of a row with that content."""
    made = _keyed(salt or SALT, use).copy()
    made.update(text.encode())
    return int.from_bytes(made.digest())


@lru_cache(maxsize=64)
def _keyed(salt: str, use: str) -> blake2b:
    key = salt.encode()
    if len(key) > blake2b.MAX_KEY_SIZE:
        key = blake2b(key).digest()
    return blake2b(key=key, person=use.encode(), digest_size=8)


def _written(cells: Record) -> str:
    """The cells as JSON. Most rows are texts, which are written in a part of the encoder's time."""
    if all(type(cell) is str for cell in cells.values()):
        return f"{{{','.join(f'{_quoted(column)}:{_quoted(cells[column])}' for column in sorted(cells))}}}"
    return _WRITER.encode(cells)


def share_of(number: int) -> float:
    """A hash as a number in [0, 1): of 53 bits, so that it is never rounded up to 1."""
    return (number >> 11) / 2**53


def numbered(source: DataSource, numbers: Sequence[int]) -> Iterator[tuple[int, Record]]:
    """The rows with these numbers and the numbers, read a few at a time."""
    for start in range(0, len(numbers), ROWS_AT_ONCE):
        chunk = numbers[start : start + ROWS_AT_ONCE]
        yield from zip(chunk, rows_of(source, chunk), strict=True)


def size_of(source: DataSource) -> int:
    """How many rows a source has.

    Raises:
        PluginError: when it says something else.
    """
    size = returned(type(source).__len__(source), int, f"the data source {type(source).__name__}", "__len__")
    if size < 0:
        raise PluginError(f"the data source {type(source).__name__} returned {size} from __len__", CHECK)
    return int(size)


def rows_of(source: DataSource, numbers: Sequence[int]) -> list[Record]:
    """The rows of a source with these numbers.

    Raises:
        PluginError: when the source returns something else, or another count.
    """
    what = f"the data source {type(source).__name__}"
    rows: list[Record] = returned(source.rows(numbers), list | tuple, what, "rows")
    if len(rows) != len(numbers):
        raise PluginError(f"{what} returned {len(rows)} rows for {len(numbers)} numbers from rows", CHECK)
    return rows


def identity_of(source: DataSource) -> tuple[str, ...] | None:
    """The columns that say which row a row is, None for all of them."""
    return getattr(source, "identity", None)


def as_text(value: Value) -> str:
    """A value as a recipe writes it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def is_missing(value: Value) -> bool:
    """Whether a cell holds nothing: none, or an empty text."""
    return value is None or value == ""
