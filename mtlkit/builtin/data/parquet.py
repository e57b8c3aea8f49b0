"""The source `parquet`: rows of Parquet files."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

from mtlkit.builtin.data.arrow_rows import ArrowRows, Opened, naming
from mtlkit.builtin.data.bad_rows import BadRows
from mtlkit.builtin.data.files import digest_of_parts, parts, same_columns, with_split
from mtlkit.builtin.data.table_options import ParquetOptions
from mtlkit.contracts.data import Record, Skipped

ROWS_AT_ONCE = 8192


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
                found.append((part, with_split(tuple(file.schema.names), part)))
        return same_columns(found)

    def __len__(self) -> int:
        return len(self._rows)

    def rows(self, numbers: Sequence[int]) -> list[Record]:
        """The rows with these numbers (from 0); dates, times and decimals as text.

        Raises:
            ResourceError: when a file is missing.
            DataError: when a file is not Parquet, or the files of the splits differ in their types; when a
                row holds text that is not UTF-8, unless such rows are to be skipped.
        """
        return self._rows.rows(numbers)

    def fingerprint(self) -> str:
        """A hex digest of the files' bytes."""
        return digest_of_parts(["parquet"], self._options.path)

    def skipped(self) -> Skipped:
        """The rows that could not be read and were left out."""
        return self._rows.skipped()

    @cached_property
    def _rows(self) -> ArrowRows:
        files = parts(self._options.path)
        return ArrowRows(files, self.columns(), _opened, BadRows(self._options.on_bad_row))


@contextmanager
def _opened(path: Path) -> Iterator[Opened]:
    import pyarrow.parquet as pq

    with naming(path, "Parquet"), pq.ParquetFile(path, memory_map=True) as file:
        yield Opened(file.schema_arrow, lambda: file.iter_batches(ROWS_AT_ONCE), mapped=False)
