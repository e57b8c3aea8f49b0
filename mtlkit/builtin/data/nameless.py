"""Temporary files without a name: gone when their owner is, however the process ends."""

from tempfile import TemporaryFile
from typing import BinaryIO
from weakref import finalize


def nameless_file(owner: object) -> BinaryIO:
    """An empty file in the folder for temporary files (`TMPDIR`), closed when `owner` is no longer used."""
    file: BinaryIO = TemporaryFile()  # noqa: SIM115  its owner closes it
    finalize(owner, file.close)
    return file
