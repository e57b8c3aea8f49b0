"""Which images a folder holds: class folders, or split folders that hold class folders.

Nothing is left out in silence. Only names that begin with a dot, and files beside the class folders that
are no images, are not part of the data; anything else that is not an image is an error that names it.
"""

from collections.abc import Iterator
from pathlib import Path

import mtlkit
from attrs import frozen

from mtlkit_vision.pictures import SUFFIXES

SPLITS = ("train", "validation", "test")


@frozen
class Listed:
    """One image: its file, its class, and its split, None where the folder has no splits."""

    path: Path
    label: str
    split: str | None

    @property
    def name(self) -> str:
        """The path below the folder, with slashes."""
        return "/".join(part for part in (self.split, self.label, self.path.name) if part)


def has_splits(root: Path) -> bool:
    """Whether the top folders are splits; looks at them alone.

    Raises:
        DataError: when some of them are and others are not.
        ResourceError: when the folder can't be read.
    """
    names = [folder.name for folder in _folders(root, root)]
    splits, others = ([n for n in names if (n in SPLITS) == wanted] for wanted in (True, False))
    if splits and others:
        message = f"has the folder {splits[0]!r}, a split, beside {others[0]!r}, which is none"
        advice = f"the top folders are either classes or all of them among {', '.join(SPLITS)}"
        raise _problem(root, message, advice)
    return bool(splits)


def images(root: Path) -> tuple[Listed, ...]:
    """All images below a folder, in the order of split, class and file name.

    Raises:
        DataError: when there are none, when a class folder is empty or holds anything but images, and
            for a link that leads out of the folder.
        ResourceError: when a folder can't be read.
    """
    parents = [(split, root / split) for split in SPLITS] if has_splits(root) else [(None, root)]
    return tuple(
        listed for split, parent in parents if parent.is_dir() for listed in _classes(parent, root, split)
    )


def _classes(parent: Path, root: Path, split: str | None) -> Iterator[Listed]:
    folders = _folders(parent, root)
    if not folders:
        raise _problem(parent, "has no class folder", "it should hold one folder of images per class")
    for folder in folders:
        files = [_image(entry, root) for entry in _entries(folder, root)]
        if not files:
            raise _problem(folder, "is a class folder without images", "fill it or take it away")
        for file in files:
            yield Listed(file, folder.name, split)


def _folders(parent: Path, root: Path) -> list[Path]:
    entries = _entries(parent, root)
    for entry in entries:
        if _is_image(entry) and not entry.is_dir():
            raise _problem(
                entry, "is an image outside of any class folder", "move it into the folder of its class"
            )
    return [entry for entry in entries if entry.is_dir()]


def _entries(parent: Path, root: Path) -> list[Path]:
    """What is in a folder, hidden names apart, in the order of names; links checked."""
    try:
        found = sorted((e for e in parent.iterdir() if not e.name.startswith(".")), key=lambda e: e.name)
    except OSError as error:
        reason = error.strerror or str(error)
        raise mtlkit.ResourceError(mtlkit.Problem(f"can't be read: {reason}", file=str(parent))) from error
    for entry in found:
        _check_link(entry, root)
    return found


def _check_link(entry: Path, root: Path) -> None:
    if not entry.is_symlink():
        return
    try:
        inside = entry.resolve(strict=True).is_relative_to(root.resolve())
    except (OSError, RuntimeError) as error:
        raise _problem(entry, "is a link to nothing", "remove it") from error
    if not inside:
        raise _problem(entry, "is a link that leads out of the folder", "copy what it means into the folder")


def _image(entry: Path, root: Path) -> Path:
    if not _is_image(entry) or not entry.is_file():
        advice = f"a class folder holds only images ({', '.join(SUFFIXES)}) and hidden files"
        if entry.is_dir() and entry.parent.parent == root:
            advice += f"; split folders are called {', '.join(SPLITS)}"
        raise _problem(
            entry, "is not an image" if not entry.is_dir() else "is a folder in a class folder", advice
        )
    return entry


def _is_image(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES


def _problem(path: Path, message: str, advice: str) -> mtlkit.DataError:
    return mtlkit.DataError(mtlkit.Problem(message, advice, file=str(path)))
