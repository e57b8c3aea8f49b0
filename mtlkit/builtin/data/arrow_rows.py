"""Rows in Arrow, memory-mapped: what is not asked for stays on disk.

Parquet, compressed Arrow and files whose types differ can't be mapped as they are. They are written once, a
few thousand rows at a time, into a nameless temporary file of uncompressed Arrow, and that is mapped.
"""

import os
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from copy import deepcopy
from functools import cached_property
from pathlib import Path
from tempfile import mkstemp
from typing import Any

from attrs import field, frozen

from mtlkit.builtin.data.bad_rows import BadRows
from mtlkit.builtin.data.files import Part
from mtlkit.builtin.data.nameless import finding_room
from mtlkit.builtin.data.table import check_numbers
from mtlkit.contracts.data import SPLIT_COLUMN, Record, Skipped, Value
from mtlkit.errors import DataError, Problem

Batch = Any
"""A `pyarrow.RecordBatch`."""


@frozen(eq=False)
class Opened:
    """A file of Arrow or Parquet: its `pyarrow.Schema`, a call that reads its batches, their number of rows.

    `mapped` says whether a batch read is part of the file, rather than of memory.
    """

    schema: Any
    batches: Callable[[], Iterator[Batch]]
    mapped: bool


@frozen(eq=False)
class ArrowRows:
    """The rows of some files with the same columns; `opened` opens one, as a context manager."""

    parts: Sequence[Part]
    columns: tuple[str, ...]
    opened: Callable[[Path], AbstractContextManager[Opened]]
    bad: BadRows = field(factory=BadRows)

    def __len__(self) -> int:
        return self._kept[1][-1]

    def rows(self, numbers: Sequence[int]) -> list[Record]:
        """The rows with these numbers (from 0), in the order asked for."""
        check_numbers(numbers, len(self))
        batches, ends = self._kept
        found: dict[int, Record] = {}
        asked: dict[int, list[int]] = {}
        for number in dict.fromkeys(numbers):
            asked.setdefault(bisect_right(ends, number) - 1, []).append(number)
        for at, mine in asked.items():
            batch, split = batches[at]
            found |= dict(
                zip(mine, self._records(batch, [each - ends[at] for each in mine], split), strict=True)
            )
        if len(found) == len(numbers):
            return [found[number] for number in numbers]
        return [deepcopy(found[number]) for number in numbers]  # a row asked for twice is its taker's twice

    def skipped(self) -> Skipped:
        """The rows that could not be read and were left out."""
        _ = self._kept
        return self.bad.skipped()

    def _records(self, batch: Batch, places: list[int], split: str | None) -> list[Record]:
        import pyarrow as pa

        first, count = places[0], len(places)
        run = places == list(range(first, first + count))
        cells = batch.slice(first, count) if run else batch.take(pa.array(places, pa.int64()))
        taken = {name: cells.column(name).to_pylist() for name in cells.schema.names}
        for name in cells.schema.names:
            if not _is_plain(cells.schema.field(name).type):
                taken[name] = [_plain(value) for value in taken[name]]
        if split is not None:
            taken[SPLIT_COLUMN] = [split] * count
        return [{name: taken[name][at] for name in self.columns} for at in range(count)]

    @cached_property
    def _kept(self) -> tuple[list[tuple[Batch, str | None]], list[int]]:
        """The batches and the split of each, and the number of rows before each."""
        import pyarrow as pa

        schemas, mapped = [], True
        for part in self.parts:
            with self.opened(part.path) as file:
                schemas.append(file.schema)
                mapped = mapped and file.mapped
        mapped = mapped and all(schema.equals(schemas[0]) for schema in schemas)
        try:
            schema = schemas[0] if mapped else pa.unify_schemas(schemas, promote_options="permissive")
        except pa.ArrowException as error:
            raise DataError(f"the splits differ in the types of their columns: {error}") from error
        batches = [
            (batch, part.split)
            for part in self.parts
            for batch in (self._mapped(part) if mapped else self._copied(part, schema))
        ]
        ends = [0]
        for batch, _ in batches:
            ends.append(ends[-1] + batch.num_rows)
        return batches, ends

    def _mapped(self, part: Part) -> Iterator[Batch]:
        with self.opened(part.path) as file:
            start = 0
            for batch in file.batches():
                yield from self._good(batch, part.path, start)
                start += batch.num_rows

    def _copied(self, part: Part, schema: Any) -> list[Batch]:  # noqa: ANN401  a pyarrow.Schema
        """The batches of a file, with these types, in a temporary file that is mapped."""
        import pyarrow as pa

        with finding_room():
            number, name = mkstemp(suffix=".arrow")
            os.close(number)
        try:
            with finding_room(), pa.OSFile(name, "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
                for batch in self._mapped(part):
                    arranged = pa.Table.from_batches([batch]).select(schema.names).cast(schema)
                    writer.write_table(arranged)
            reader = pa.ipc.open_file(pa.memory_map(name))
            return [reader.get_batch(at) for at in range(reader.num_record_batches)]
        except pa.ArrowException as error:
            raise DataError(f"the splits differ in the types of their columns: {error}") from error
        finally:
            Path(name).unlink()

    def _good(self, batch: Batch, path: Path, start: int) -> Iterator[Batch]:
        """The batch without rows that hold what is no value of its type, such as text that is not UTF-8."""
        import pyarrow as pa

        if not batch.num_rows:
            return
        try:
            batch.validate(full=True)
        except pa.ArrowException:
            keep = [self._is_good(batch, at, path, start) for at in range(batch.num_rows)]
            yield batch.filter(pa.array(keep))
        else:
            yield batch

    def _is_good(self, batch: Batch, at: int, path: Path, start: int) -> bool:
        import pyarrow as pa

        try:
            batch.slice(at, 1).validate(full=True)
        except pa.ArrowException as error:
            told = str(error).partition("\n")[0]
            self.bad.meet(Problem(f"row {start + at} (from 0) can't be read: {told}", file=str(path)))
            return False
        return True


@contextmanager
def naming(path: Path, what: str) -> Iterator[None]:
    """Name the file in whatever Arrow says about it.

    Raises:
        DataError: for any failure of Arrow inside the block.
    """
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, OSError) as error:
        told = str(error).strip().partition("\n")[0]
        raise DataError(Problem(f"can't be read as {what}: {told}", file=str(path))) from error


def _is_plain(kind: Any) -> bool:  # noqa: ANN401  a pyarrow.DataType
    """Whether values of the type come out of Arrow as values of JSON."""
    import pyarrow as pa

    if pa.types.is_temporal(kind) or pa.types.is_decimal(kind):
        return False
    return all(_is_plain(kind.field(at).type) for at in range(kind.num_fields))


def _plain(value: Value) -> Value:
    """Dates, times and decimals as text, in lists and structures too."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if value is None or isinstance(value, str | bool | int | float | bytes):
        return value
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
