"""The source `parquet`: rows of Parquet files."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mtlkit.builtin.data.arrow_rows import Opened, naming
from mtlkit.builtin.data.arrow_source import ArrowSource
from mtlkit.builtin.data.table_options import ParquetOptions

ROWS_AT_ONCE = 8192


def parquet_source(options: ParquetOptions) -> ArrowSource:
    """The builder of the source `parquet`."""
    return ArrowSource(options, "parquet", _opened)


@contextmanager
def _opened(path: Path) -> Iterator[Opened]:
    import pyarrow.parquet as pq

    with naming(path, "Parquet"), pq.ParquetFile(path, memory_map=True) as file:
        yield Opened(file.schema_arrow, lambda: file.iter_batches(ROWS_AT_ONCE), mapped=False)
