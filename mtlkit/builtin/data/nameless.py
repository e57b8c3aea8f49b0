"""Temporary files without a name: gone when their owner is, however the process ends."""

from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryFile, gettempdir
from typing import BinaryIO
from weakref import finalize

from mtlkit.errors import ResourceError


def nameless_file(owner: object) -> BinaryIO:
    """An empty file in the folder for temporary files (`TMPDIR`), closed when `owner` is no longer used."""
    file: BinaryIO = TemporaryFile()  # noqa: SIM115  its owner closes it
    finalize(owner, file.close)
    return file


@contextmanager
def finding_room() -> Iterator[None]:
    """Say where the copy was to go when it can't be written, for want of room or of leave.

    Raises:
        ResourceError: for any failure of the operating system inside the block.
    """
    try:
        yield
    except OSError as error:
        message = (
            f"a temporary copy of the data can't be written to {gettempdir()}: {error.strerror or error}"
        )
        raise ResourceError(message, "the environment variable TMPDIR says where such copies go") from error
