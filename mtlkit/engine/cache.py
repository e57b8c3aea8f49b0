"""The shelves that all runs share, and which of them go when there is no room."""

from pathlib import Path

from attrs import frozen
from torch import Tensor

from mtlkit.engine.shelf_file import Layout, ShelfFile
from mtlkit.engine.shelves import ANY_DAMAGE, kept, remove

MAX_BYTES = 16 * 2**30


@frozen
class Cache:
    """The folder of all shelves, and how many bytes they may take."""

    folder: Path
    max_bytes: int = MAX_BYTES

    def find(self, digest: str, layout: Layout) -> ShelfFile | None:
        """The shelf at that address, None where there is none that can be used."""
        try:
            return ShelfFile.open(self.folder / digest, layout)
        except ANY_DAMAGE:  # or there is none
            return None

    def make(self, digest: str, layout: Layout, sample: Tensor, words: str) -> ShelfFile:
        """A new shelf at that address for values like the sample; the least recently used ones make room.

        Raises:
            OSError: when there is no room, or the folder can't be written.
        """
        needed = int(layout.starts(sample.shape[-1], sample.dim() == 2)[-1]) * sample.element_size()
        if self.trim(needed) > 0:
            raise OSError(f"the store of {self.max_bytes} bytes has no room for {needed}")
        remove(self.folder / digest)  # what is there can't be used
        return ShelfFile.make(self.folder / digest, layout, sample, {"words": words})

    def trim(self, needed: int = 0) -> int:
        """Remove the least recently used shelves until there is room; how many bytes are too many still."""
        try:
            shelves = sorted(kept(self.folder), key=lambda shelf: shelf.used)
        except OSError:  # a folder that can't be read is none of ours to clear; nothing is stored there
            return 0
        over = sum(shelf.size for shelf in shelves) + needed - self.max_bytes
        for shelf in shelves:
            if over > 0 and remove(shelf.folder):
                over -= shelf.size
        return over
