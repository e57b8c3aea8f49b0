"""The source `memory`: rows handed over in Python, which no file holds."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import Any

from mtlkit.builtin.data.table import Table, check_numbers
from mtlkit.builtin.data.table_options import MemoryOptions
from mtlkit.contracts.data import Record, Value
from mtlkit.errors import DataError, ResourceError

ROWS_AT_ONCE = 1000
ADVICE = "rows are a list of dictionaries, a pandas DataFrame, a datasets.Dataset or a pyarrow.Table"
PLAIN = (str, int, float, bool, type(None))


class MemorySource:
    """Rows from Python; the builder of the source `memory`.

    A `datasets.Dataset` is read where it is; all others are copied, so that what their owner does to them
    later changes nothing.

    Raises:
        ResourceError: when no rows were handed over.
        DataError: when they are none, or hold something that is no value of a cell.
    """

    def __init__(self, options: MemoryOptions, rows: Any = None) -> None:  # noqa: ANN401
        if rows is None and options.rows:
            rows = options.rows
        if rows is None:
            raise ResourceError(
                "the rows were not handed over",
                'they come from Python: mtlkit.plan(recipe, data={"NAME": rows}), with the name of the table',
            )
        self._rows: Table | _Kept = _held(rows)

    def columns(self) -> tuple[str, ...]:
        """The columns, in the order they come up."""
        return self._rows.columns

    def __len__(self) -> int:
        return len(self._rows)

    def rows(self, numbers: Sequence[int]) -> list[Record]:
        """The rows with these numbers (from 0)."""
        return self._rows.rows(numbers)

    def fingerprint(self) -> str:
        """A hex digest of the columns and all cells."""
        whole = blake2b(json.dumps(self.columns()).encode(), digest_size=32)
        for start in range(0, len(self), ROWS_AT_ONCE):
            rows = self.rows(range(start, min(start + ROWS_AT_ONCE, len(self))))
            whole.update(json.dumps(rows, sort_keys=True, default=str).encode())
        return whole.hexdigest()


class _Kept:
    """The rows of a `datasets.Dataset`, which do not change."""

    def __init__(self, data: Any) -> None:  # noqa: ANN401  a datasets.Dataset
        self._data = data
        self.columns: tuple[str, ...] = tuple(data.column_names)

    def __len__(self) -> int:
        return len(self._data)

    def rows(self, numbers: Sequence[int]) -> list[Record]:
        """The rows with these numbers."""
        check_numbers(numbers, len(self))
        cells = self._data[list(numbers)]
        return [{name: _plain(cells[name][at]) for name in self.columns} for at in range(len(numbers))]


def _held(rows: Any) -> Table | _Kept:  # noqa: ANN401  whatever was handed over
    kind = f"{type(rows).__module__.partition('.')[0]}.{type(rows).__name__}"
    if kind == "datasets.Dataset":
        return _Kept(rows)
    if kind == "pandas.DataFrame":
        frame = rows.astype(object).where(rows.notna(), None)
        names = tuple(map(str, frame.columns))
        return Table(names, [tuple(map(_plain, row)) for row in frame.itertuples(index=False, name=None)])
    if kind == "pyarrow.Table":
        rows = rows.to_pylist()
    if isinstance(rows, str | bytes | Mapping) or not hasattr(rows, "__iter__"):
        raise DataError(f"{kind.removeprefix('builtins.')} is not a form of rows", ADVICE)
    return _listed(rows)


def _listed(rows: Any) -> Table:  # noqa: ANN401  something to go through
    found = list(rows)
    names: dict[str, None] = {}
    for number, row in enumerate(found):
        if not isinstance(row, Mapping):
            raise DataError(f"row {number} (from 0) is a {type(row).__name__}, not a dictionary", ADVICE)
        unknown = next((name for name in row if not isinstance(name, str)), None)
        if unknown is not None:
            raise DataError(f"row {number} (from 0) has a column {unknown!r} whose name is no text")
        names |= dict.fromkeys(row)
    cells = [_cells(row, tuple(names), number) for number, row in enumerate(found)]
    return Table(tuple(names), cells)


def _cells(row: Mapping[str, Value], names: Sequence[str], number: int) -> tuple[Value, ...]:
    found = {name: _plain(row.get(name)) for name in names}
    for name, value in found.items():
        if wrong := next(_strange(value), None):
            message = f"row {number} (from 0) has a {wrong} in column {name!r}"
            raise DataError(message, "a cell is text, a number, a truth value, None, or a list of these")
    return tuple(found.values())


def _plain(value: Any) -> Value:  # noqa: ANN401  any cell
    """A cell as a plain value of its own: numbers of numpy as Python's, NaN as None, tuples as lists."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if isinstance(value, float) and math.isnan(value):
        return None
    return value.isoformat() if hasattr(value, "isoformat") else value


def _strange(value: Value) -> Iterator[str]:
    """The types of what is no value of a cell."""
    if isinstance(value, list):
        for item in value:
            yield from _strange(item)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _strange(item)
    elif type(value) not in PLAIN:
        yield type(value).__name__
