"""Places on disk as a recipe writes them: a path relative to the recipe, or `package:NAME/path`."""

import os
from importlib.util import find_spec
from pathlib import Path

from attrs import frozen

from mtlkit.contracts.nearest import nearest
from mtlkit.errors import ResourceError

PACKAGE = "package:"


@frozen
class Place:
    """An address and the folder of the recipe that wrote it.

    As the type of an option it takes a string from the recipe and needs no care about folders.
    """

    address: str
    folder: str = "."

    def path(self) -> Path:
        """The absolute path, without looking whether it exists.

        Raises:
            ResourceError: when a `package:` address names a package that is not installed, has no
                folder, or leads out of it.
        """
        if self.address.startswith(PACKAGE):
            return _inside_package(self.address)
        return Path(self.folder, self.address).expanduser().absolute()

    def existing(self) -> Path:
        """The same path, known to exist.

        Raises:
            ResourceError: as `path`, and when nothing is there.
        """
        path = self.path()
        if not path.exists():
            raise ResourceError(f"{self.address!r} does not exist", _looked_for(path))
        return path

    def meant(self) -> str:
        """The place in words that are the same whichever recipe wrote it; a name on a hub as it is."""
        is_folder = not self.address.startswith(PACKAGE) and self.path().exists()
        return str(self.path().resolve()) if is_folder else self.address

    def portable(self) -> str:
        """The address with its folder made absolute, for a recipe that is stored elsewhere."""
        return self.address if self.address.startswith(PACKAGE) else str(self.path())


def _looked_for(path: Path) -> str:
    """Where a place would be, seen from the current folder, and what is called alike there."""
    whole, here = os.path.normpath(path), str(Path.cwd())
    shown = os.path.relpath(whole, here) if whole.startswith(here + os.sep) else whole
    names = [each.name for each in path.parent.iterdir()] if path.parent.is_dir() else []
    near = nearest(path.name, sorted(names))
    return f"looked for {shown}" + (f"; did you mean {near!r}?" if near else "")


def _inside_package(address: str) -> Path:
    name, _, inner = address.removeprefix(PACKAGE).partition("/")
    spec = find_spec(name) if name.isidentifier() else None  # a dotted name would import its parent
    if spec is None or not spec.submodule_search_locations:
        distribution = name.replace("_", "-")
        raise ResourceError(
            f"{address!r} needs the package {name}, which is not installed",
            f"pip install {distribution}, or for the shipped recipes: pip install 'mtlkit[demo]'",
        )
    root = Path(next(iter(spec.submodule_search_locations))).resolve()
    path = (root / inner).resolve()
    if not path.is_relative_to(root):
        raise ResourceError(f"{address!r} leads out of the package {name}")
    return path
