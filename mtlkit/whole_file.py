"""Files that are there whole or not at all."""

import os
from pathlib import Path
from typing import BinaryIO


def fresh(path: Path) -> BinaryIO:
    """A new file of that name for writing: what was there, such as a leftover or a link, is not written to.

    Raises:
        OSError: when it can't be made.
    """
    path.unlink(missing_ok=True)
    return path.open("xb")  # which follows no link


def write_whole(path: Path, content: str | bytes) -> None:
    """Write or replace a file: aside, synced, renamed; a process that dies leaves the old one or the new.

    Raises:
        OSError: when it can't be written; what was there before stays.
    """
    aside = path.with_name(f"{path.name}.partial")
    try:
        with fresh(aside) as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
    sync(path.parent)


def sync(folder: Path) -> None:
    """Have the disk know of the names in a folder.

    Raises:
        OSError: when it can't.
    """
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
