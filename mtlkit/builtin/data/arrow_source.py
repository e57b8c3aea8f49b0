"""A data source over files that Arrow reads, whatever their format."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import cached_property
from pathlib import Path

from attrs import define

from mtlkit.builtin.data.arrow_rows import ArrowRows, Opened
from mtlkit.builtin.data.bad_rows import BadRows
from mtlkit.builtin.data.files import digest_of_parts, parts, same_columns, with_split
from mtlkit.builtin.data.table_options import ArrowOptions, ParquetOptions
from mtlkit.contracts.data import Record, Skipped


@define(eq=False, slots=False)
class ArrowSource:
    """Rows of the files of a `path` option; `opened` opens one of them, of the format called `kind`."""

    options: ArrowOptions | ParquetOptions
    kind: str
    opened: Callable[[Path], AbstractContextManager[Opened]]

    def columns(self) -> tuple[str, ...]:
        """Column names, from the files' schemas.

        Raises:
            ResourceError: when a file is missing.
            DataError: when a file is not of the format.
        """
        found = []
        for part in parts(self.options.path):
            with self.opened(part.path) as file:
                found.append((part, with_split(tuple(file.schema.names), part)))
        return same_columns(found)

    def __len__(self) -> int:
        return len(self._rows)

    def rows(self, numbers: Sequence[int]) -> list[Record]:
        """The rows with these numbers (from 0); dates, times and decimals as text.

        Raises:
            ResourceError: when a file is missing.
            DataError: when a file is not of the format or is cut short, or the files of the splits differ in
                their types; when a row holds text that is not UTF-8, unless such rows are to be skipped.
        """
        return self._rows.rows(numbers)

    def fingerprint(self) -> str:
        """A hex digest of the files' bytes."""
        return digest_of_parts([self.kind], self.options.path)

    def skipped(self) -> Skipped:
        """The rows that could not be read and were left out."""
        return self._rows.skipped()

    @cached_property
    def _rows(self) -> ArrowRows:
        files = parts(self.options.path)
        return ArrowRows(files, self.columns(), self.opened, BadRows(self.options.on_bad_row))
