"""What the machine refuses, as errors that say what to change: memory, room on a disk, files and threads."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from mtlkit.errors import ResourceError, is_memory

LESS_MEMORY = (
    "lower training.batch_size and raise training.accumulate as much, which makes the same steps; "
    "or lower the backbone's max_length, or freeze more, or raise the limit if there is one (ulimit -v)"
)
NO_TEMPORARY = "name one in TMPDIR, make room, or raise the limit on file sizes (ulimit -f)"
REFUSALS = {
    errno.ENOSPC: "make room, or choose another place",
    errno.EDQUOT: "make room within the quota, or choose another place",
    errno.EFBIG: "raise the limit on file sizes (ulimit -f), or choose another place",
    errno.EROFS: "choose a place that may be written",
    errno.EACCES: "choose a place with the right to it, or get that right",
    errno.EPERM: "choose a place with the right to it, or get that right",
    errno.EIO: "the disk fails: look at the system's log, and choose another place",
    errno.ESTALE: "the place is gone: mount it again",
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.ELOOP: "its links lead in a circle: choose another place",
    errno.ENOTDIR: "part of it is a file, where a folder should be: choose another place",
    errno.EISDIR: "it is a folder, where a file should be: choose another place",
    errno.EMFILE: "raise the limit on open files (ulimit -n)",
    errno.ENFILE: "close other programs: the system has too many files open",
}


def refused(error: BaseException) -> ResourceError | None:
    """The error that tells of a refusal by the machine; None where it is something else."""
    if is_memory(error):
        first = next(iter(str(error).strip().splitlines()), "") or type(error).__name__
        return ResourceError(f"there is no memory left: {first[:300]}", LESS_MEMORY)
    if isinstance(error, FileNotFoundError) and "No usable temporary directory" in str(error):
        return ResourceError("there is no folder for temporary files that may be written", NO_TEMPORARY)
    if isinstance(error, OSError) and error.errno in REFUSALS:
        name = "" if error.filename is None else str(error.filename)
        where = f"{name if len(name) <= 200 else f'{name[:100]}…{name[-20:]}'}: " if name else ""
        return ResourceError(f"{where}{error.strerror}", REFUSALS[error.errno])
    return None


@contextmanager
def refusals() -> Iterator[None]:
    """Turn what the machine refuses inside of the block into errors that say what to change.

    Raises:
        ResourceError: for each of them.
    """
    try:
        yield
    except (MemoryError, RuntimeError, OSError, ImportError) as error:
        told = refused(error)
        if told is None:
            raise
        raise told from error
