"""The source `parquet`: rows of Parquet files, kept in Arrow."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from mtlkit.builtin.data.files import digest_of_parts, parts, same_columns, with_split
from mtlkit.builtin.data.options import ParquetOptions
from mtlkit.builtin.data.table import check_numbers
from mtlkit.contracts.data import SPLIT_COLUMN, Record
from mtlkit.errors import DataError, Problem


class ParquetSource:
    """Rows of Parquet files; the builder of the source `parquet`."""

    def __init__(self, options: ParquetOptions) -> None:
        self._options = options

    def columns(self) -> tuple[str, ...]:
        """Column names, from the files' footers.

        Raises:
            ResourceError: when a file is missing.
            DataError: when a file is not Parquet.
        """
        found = []
        for part in parts(self._options.path):
            with _opened(part.path) as file:
                found.append((part, with_split(tuple(file.schema_arrow.names), part)))
        return same_columns(found)

    def __len__(self) -> int:
        return int(self._table.num_rows)

    def rows(self, numbers: Sequence[int]) -> list[Record]:
        """The rows with these numbers (from 0).

        Raises:
            ResourceError: when a file is missing.
            DataError: when a file is not Parquet, or the files of the splits differ in their types.
        """
        import pyarrow as pa

        check_numbers(numbers, len(self))
        found: list[Record] = self._table.take(pa.array(numbers, pa.int64())).to_pylist()
        return found

    def fingerprint(self) -> str:
        """A hex digest of the files' bytes."""
        return digest_of_parts(["parquet"], self._options.path)

    @cached_property
    def _table(self) -> Any:  # noqa: ANN401  a pyarrow.Table
        import pyarrow as pa

        columns = list(self.columns())
        tables = []
        for part in parts(self._options.path):
            with _opened(part.path) as file:
                table = file.read()
            if part.split is not None:
                splits = pa.array([part.split] * table.num_rows, pa.string())
                table = table.append_column(SPLIT_COLUMN, splits)
            tables.append(table.select(columns))
        try:
            return pa.concat_tables(tables, promote_options="permissive")
        except pa.ArrowException as error:
            raise DataError(f"the splits differ in the types of their columns: {error}") from error


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path, memory_map=True) as file:
            yield file
    except (pa.ArrowException, OSError) as error:
        raise DataError(Problem(f"can't be read as Parquet: {error}", file=str(path))) from error
