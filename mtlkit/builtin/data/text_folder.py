"""The source `text-folder`: one sub-folder per class, one text file per row."""

import re
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from mtlkit.builtin.data.bad_rows import BadRows
from mtlkit.builtin.data.files import digest, reading, text
from mtlkit.builtin.data.options import TextFolderOptions
from mtlkit.builtin.data.table import check_numbers
from mtlkit.contracts.data import Record, Skipped
from mtlkit.errors import DataError, Problem, ResourceError

COLUMNS = ("folder", "file", "title", "body", "text")
LINE_END = re.compile(r"\r\n|\r|\n")


class TextFolderSource:
    """Files of a folder's sub-folders, in the order of their names; the builder of `text-folder`.

    Columns: `folder` (the class), `file` (its name), `title` (the first line that is not blank),
    `body` (what follows it, stripped) and `text` (everything). Files beside the sub-folders, deeper
    folders and files of another suffix are not part of the data.
    """

    def __init__(self, options: TextFolderOptions) -> None:
        self._options = options

    def columns(self) -> tuple[str, ...]:
        """The five column names.

        Raises:
            ResourceError: when the folder is missing.
        """
        self._root()
        return COLUMNS

    def __len__(self) -> int:
        return len(self._read_files)

    def rows(self, numbers: Sequence[int]) -> list[Record]:
        """The rows with these numbers (from 0), every cell a string.

        Raises:
            ResourceError: when the folder is missing.
            DataError: naming file and line, when a file doesn't fit the encoding or holds NUL, unless such
                files are to be skipped; when no sub-folder has a file of the suffix.
        """
        check_numbers(numbers, len(self))
        return [self._record(*self._read_files[number]) for number in numbers]

    def fingerprint(self) -> str:
        """A hex digest of the files' names, relative to the folder, and bytes."""
        files = self._files()
        named = [(f"{file.parent.name}/{file.name}", file) for file in files]
        return digest(["text-folder", self._options.encodings], named)

    def skipped(self) -> Skipped:
        """The files that could not be read and were left out."""
        _ = self._read_files
        return self._bad.skipped()

    @cached_property
    def _bad(self) -> BadRows:
        return BadRows(self._options.on_bad_row)

    @cached_property
    def _read_files(self) -> list[tuple[Path, int]]:
        """The files that can be read, and when each was written; their texts stay on disk."""
        found = []
        for file in self._files():
            written = _written(file)
            try:
                text(file, self._options.encodings)
            except DataError as error:
                self._bad.meet(error.problems[0])
            else:
                found.append((file, written))
        return found

    def _record(self, file: Path, written: int) -> Record:
        if _written(file) != written:
            raise DataError(Problem("has changed since it was first read", "start anew", file=str(file)))
        return dict(zip(COLUMNS, _cells(file, text(file, self._options.encodings)), strict=True))

    def _root(self) -> Path:
        root = self._options.path.existing()
        if not root.is_dir():
            raise ResourceError(f"{self._options.path.address!r} is not a folder", f"looked at {root}")
        return root

    def _files(self) -> list[Path]:
        root, suffix = self._root(), self._options.suffix
        with reading(root):
            folders = sorted((entry for entry in root.iterdir() if entry.is_dir()), key=_name)
            files = [
                file
                for folder in folders
                for file in sorted(folder.iterdir(), key=_name)
                if file.name.endswith(suffix) and file.is_file()
            ]
        if not files:
            advice = "it should hold one folder of text files per class"
            raise DataError(Problem(f"has no sub-folder with a {suffix} file", advice, file=str(root)))
        return files


def _written(file: Path) -> int:
    with reading(file):
        return file.stat().st_mtime_ns


def _name(path: Path) -> str:
    return path.name


def _cells(file: Path, whole: str) -> list[str]:
    title, *rest = LINE_END.split(whole.strip(), maxsplit=1)
    return [file.parent.name, file.name, title.strip(), "".join(rest).strip(), whole]
