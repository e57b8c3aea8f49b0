"""One process at a time works on a run directory."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mtlkit.errors import BusyError, ResourceError

FILE = ".lock"


def check_no_links(run_dir: Path) -> None:
    """Check that nothing in the directory leads out of it: a run goes on by writing there.

    Raises:
        ResourceError: naming the links.
    """
    links = sorted(
        str((Path(folder) / name).relative_to(run_dir))
        for folder, folders, files in os.walk(run_dir)
        for name in (*folders, *files)
        if (Path(folder) / name).is_symlink()
    )
    if links:
        raise ResourceError(
            f"{run_dir} holds links, and a run writes to no place but its own: {', '.join(links[:8])}",
            "put files in their places, or remove the links",
        )


@contextmanager
def locked(run_dir: Path) -> Iterator[None]:
    """Hold the directory inside the block; the lock ends with the process, however that ends.

    Raises:
        BusyError: when another process holds it.
        ResourceError: when the directory can't be written.
    """
    try:
        import fcntl
    except ImportError:  # Windows has no flock; there nothing is locked
        yield
        return
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        handle = os.open(run_dir / FILE, flags, 0o600)
    except OSError as error:
        raise ResourceError(
            f"{run_dir} can't be written: {error.strerror}", "is it the right one?"
        ) from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            message = f"another process is at work on {run_dir}"
            raise BusyError(message, "wait until it has ended, or stop it") from error
        yield
    finally:
        os.close(handle)
