"""The source `arrow`: rows of Arrow files, of the format with random access or the one for streams."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from mtlkit.builtin.data.arrow_rows import ArrowRows, Batch, Opened, naming
from mtlkit.builtin.data.bad_rows import BadRows
from mtlkit.builtin.data.files import digest_of_parts, parts, same_columns, with_split
from mtlkit.builtin.data.table_options import ArrowOptions
from mtlkit.contracts.data import Record, Skipped
from mtlkit.errors import DataError, Problem

FILE_MAGIC = b"ARROW1"
STREAM_END = b"\xff\xff\xff\xff\x00\x00\x00\x00"


class ArrowSource:
    """Rows of Arrow files; the builder of the source `arrow`."""

    def __init__(self, options: ArrowOptions) -> None:
        self._options = options

    def columns(self) -> tuple[str, ...]:
        """Column names, from the files' schemas.

        Raises:
            ResourceError: when a file is missing.
            DataError: when a file is not Arrow.
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
            DataError: when a file is not Arrow or is cut short, or the files of the splits differ in their
                types; when a row holds text that is not UTF-8, unless such rows are to be skipped.
        """
        return self._rows.rows(numbers)

    def fingerprint(self) -> str:
        """A hex digest of the files' bytes."""
        return digest_of_parts(["arrow"], self._options.path)

    def skipped(self) -> Skipped:
        """The rows that could not be read and were left out."""
        return self._rows.skipped()

    @cached_property
    def _rows(self) -> ArrowRows:
        files = parts(self._options.path)
        return ArrowRows(files, self.columns(), _opened, BadRows(self._options.on_bad_row))


@contextmanager
def _opened(path: Path) -> Iterator[Opened]:
    import pyarrow as pa

    with naming(path, "Arrow"), path.open("rb") as file:
        magic = file.read(len(FILE_MAGIC))
    with naming(path, "Arrow"), pa.memory_map(str(path)) as source:
        if magic == FILE_MAGIC:
            reader = pa.ipc.open_file(source)
            mapped = not reader.num_record_batches or _is_mapped(lambda: reader.get_batch(0))
            yield Opened(
                reader.schema, lambda: map(reader.get_batch, range(reader.num_record_batches)), mapped
            )
        else:
            _check_end(path)
            yield Opened(
                pa.ipc.open_stream(source).schema, lambda: _streamed(source), _stream_is_mapped(source)
            )


def _streamed(source: Any) -> Iterator[Batch]:  # noqa: ANN401  a pyarrow.MemoryMappedFile
    import pyarrow as pa

    source.seek(0)
    yield from pa.ipc.open_stream(source)


def _stream_is_mapped(source: Any) -> bool:  # noqa: ANN401  see above
    return _is_mapped(lambda: next(_streamed(source), None))


def _is_mapped(read: Any) -> bool:  # noqa: ANN401  a call that reads a batch
    """Whether a batch is read without memory of its own; a compressed one is not."""
    import pyarrow as pa

    before = pa.total_allocated_bytes()
    batch = read()
    size = batch.nbytes if batch is not None else 0
    return bool(pa.total_allocated_bytes() - before < max(size // 2, 1))


def _check_end(path: Path) -> None:
    """A stream that was cut between two batches reads without an error, so its end is looked at.

    Raises:
        DataError: when the mark of the end is not there.
    """
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - len(STREAM_END)))
        if file.read() != STREAM_END:
            message = "is neither an Arrow file nor an Arrow stream with its end"
            raise DataError(Problem(message, "it may be cut short", file=str(path)))
