"""The shelves of the activation store as folders: where they are, what they hold, and removing them."""

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from attrs import frozen

FOLDER = "MTLKIT_CACHE"
ABOUT, LOCK = "about.json", "lock"
ANY_DAMAGE = (OSError, ValueError, KeyError, AttributeError, TypeError, ArithmeticError, RecursionError)
"""What is raised by files of a shelf that is damaged, or a stranger's."""


@frozen
class Kept:
    """A shelf on disk: what it is in words, its bytes, and when it was last opened (UNIX time)."""

    folder: Path
    words: str
    size: int
    used: float


def folder() -> Path:
    """The folder of shelves: below $MTLKIT_CACHE, else the user's cache folder."""
    told = os.environ.get(FOLDER)
    below = (
        Path(told) if told else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mtlkit"
    )
    return below / "activations"


def kept(folder: Path) -> Iterator[Kept]:
    """Every shelf in the folder."""
    for path in sorted(folder.glob("*")):
        try:
            about = json.loads((path / ABOUT).read_text(encoding="utf-8"))
            size = sum(each.stat().st_size for each in path.iterdir())
            yield Kept(path, str(about.get("words", "")), size, (path / ABOUT).stat().st_mtime)
        except (OSError, ValueError, AttributeError, RecursionError):
            continue  # somebody is making or removing it


def remove(folder: Path) -> bool:
    """Remove a shelf unless a run has it open; whether it is gone."""
    try:
        lock = os.open(folder / LOCK, os.O_RDWR)
    except OSError:
        shutil.rmtree(folder, ignore_errors=True)
        return not folder.exists()
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
    except OSError:
        return False
    finally:
        os.close(lock)
    return not folder.exists()
