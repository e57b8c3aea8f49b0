"""The source `arrow`: rows of Arrow files, of the format with random access or the one for streams."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mtlkit.builtin.data.arrow_rows import Batch, Opened, naming
from mtlkit.builtin.data.arrow_source import ArrowSource
from mtlkit.builtin.data.table_options import ArrowOptions
from mtlkit.errors import DataError, Problem

FILE_MAGIC = b"ARROW1"
STREAM_END = b"\xff\xff\xff\xff\x00\x00\x00\x00"


def arrow_source(options: ArrowOptions) -> ArrowSource:
    """The builder of the source `arrow`."""
    return ArrowSource(options, "arrow", _opened)


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
