"""A file that records are appended to, each of them whole or not at all."""

import os
from contextlib import suppress
from pathlib import Path


class Appended:
    """An open file; nothing that was appended waits in the process."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=0)

    def write(self, record: bytes) -> None:
        """Append a record.

        Raises:
            OSError: when it can't be written; no part of it is left behind then, where that can be helped.
        """
        rest = memoryview(record)
        end = os.fstat(self._file.fileno()).st_size
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError:
            with suppress(OSError):
                self._file.truncate(end)
            raise

    def close(self) -> None:
        """Close the file."""
        self._file.close()
