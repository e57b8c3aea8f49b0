"""Small data sets that a plugin writes for its own tests: `sample(folder)` on its options class."""

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from attrs import frozen

from mtlkit.contracts.data import Record
from mtlkit.testing.subject import Subject

Table = dict[str, Any]


@frozen
class Sample:
    """A folder with sample data and the options table that reads it."""

    folder: Path
    table: Table

    def files(self) -> list[Path]:
        """All files, sorted by name."""
        return sorted(path for path in self.folder.rglob("*") if path.is_file())

    def moved(self, folder: Path) -> "Sample":
        """A copy in another folder, with other file times, read by the same options."""
        shutil.copytree(self.folder, folder)
        copied = Sample(folder, _replaced(self.table, str(self.folder), str(folder)))
        for number, path in enumerate(copied.files()):
            os.utime(path, (10**9 + number, 10**9 + number))
        return copied


def offers(subject: Subject, ability: str = "sample") -> str:
    """Why a plugin's options class can't write data of its own, or nothing."""
    if hasattr(subject.options_class, ability):
        return ""
    arguments = "folder" if ability == "sample" else "folder, rows"
    return f"its options class has no `{ability}({arguments})`"


@contextmanager
def sampled(subject: Subject, rows: Sequence[Record] | None = None) -> Iterator[Sample]:
    """A fresh sample of the plugin's, of its own rows or of given ones, deleted afterwards."""
    with TemporaryDirectory(prefix="mtlkit-sample-") as folder:
        where = Path(folder, "sample")
        where.mkdir()
        cls = subject.options_class
        table = cls.sample(where) if rows is None else cls.write(where, rows)
        yield Sample(where, dict(table))


def _replaced(value: Any, old: str, new: str) -> Any:  # noqa: ANN401  any TOML value
    if isinstance(value, str):
        return value.replace(old, new)
    if isinstance(value, Mapping):
        return {name: _replaced(each, old, new) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_replaced(each, old, new) for each in value]
    return value
