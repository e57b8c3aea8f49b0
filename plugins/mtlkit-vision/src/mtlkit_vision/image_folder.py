"""The data source `image-folder`: one row per image of a folder's class folders."""

import json
from collections.abc import Sequence
from functools import cached_property
from hashlib import blake2b, sha256
from pathlib import Path

import mtlkit

from mtlkit_vision.listing import Listed, has_splits, images
from mtlkit_vision.options import ImageFolder
from mtlkit_vision.pictures import decode, read_file

COLUMNS = ("image", "label", "digest")


class ImageFolderSource:
    """Images in the order of split, class and file name; the builder of `image-folder`.

    Columns: `image` (the absolute path of the file), `label` (the name of the class folder), `digest`
    (SHA-256 of the file) and, where the top folders are train, validation and test, `split`.

    An image is decoded once, when its row is first asked for, so that a damaged one is found before it
    is learned from.
    """

    identity = ("label", "digest")  # the path says where the folder is, not which image it is

    def __init__(self, options: ImageFolder) -> None:
        self._options = options
        self._digests: dict[int, str] = {}
        self._decoded: set[int] = set()

    def columns(self) -> tuple[str, ...]:
        """The column names; lists the top folder alone.

        Raises:
            ResourceError: when the folder is missing.
            DataError: when some of the top folders are splits and others are not.
        """
        return (*COLUMNS, "split") if has_splits(self._root) else COLUMNS

    def __len__(self) -> int:
        return len(self._images)

    def rows(self, numbers: Sequence[int]) -> list[mtlkit.Record]:
        """The rows with these numbers (from 0), every cell a string.

        Raises:
            IndexError: when there is no row of that number.
            DataError: naming the file, when an image is damaged or a class folder holds something else.
            ResourceError: when the folder or a file is missing.
        """
        count = len(self)
        for number in numbers:
            if not 0 <= number < count:
                raise IndexError(f"row {number} of {count}")
        return [self._row(number) for number in numbers]

    def fingerprint(self) -> str:
        """A hex digest of the files' names below the folder, and bytes."""
        whole = blake2b(json.dumps(["image-folder", 1]).encode(), digest_size=32)
        for number, listed in enumerate(self._images):
            whole.update(json.dumps([listed.name, self._digest(number)]).encode())
        return whole.hexdigest()

    def _row(self, number: int) -> dict[str, mtlkit.Value]:
        listed = self._images[number]
        if number not in self._decoded:
            content = read_file(listed.path)
            decode(content, listed.path)
            self._digests[number] = sha256(content).hexdigest()
            self._decoded.add(number)
        row = {"image": str(listed.path), "label": listed.label, "digest": self._digests[number]}
        return row if listed.split is None else {**row, "split": listed.split}

    def _digest(self, number: int) -> str:
        if number not in self._digests:
            self._digests[number] = sha256(read_file(self._images[number].path)).hexdigest()
        return self._digests[number]

    @cached_property
    def _images(self) -> tuple[Listed, ...]:
        return images(self._root)

    @property
    def _root(self) -> Path:
        root = self._options.path.existing()
        if not root.is_dir():
            raise mtlkit.ResourceError(f"{self._options.path.address!r} is not a folder", f"looked at {root}")
        return root
