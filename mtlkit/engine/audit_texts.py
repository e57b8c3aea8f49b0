"""Texts as hashes of eight bytes: which come twice, on both sides of a split, or with several labels."""

import json
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import Any

import numpy as np
from attrs import field, frozen

from mtlkit.contracts.audit import Doubtful
from mtlkit.contracts.data import Record, Value
from mtlkit.contracts.rows import SPLITS, SplitName
from mtlkit.engine.content import is_missing
from mtlkit.engine.growing import Growing

SHOWN = 3
View = tuple[str, ...]
Hashes = np.ndarray[Any, np.dtype[np.uint64]]


def text_of(row: Record, view: View) -> str:
    """What a row says in the columns of a view, as one text; empty where it says nothing."""
    cells = [row[column] for column in view]
    if all(_is_empty(cell) for cell in cells):
        return ""
    return " / ".join(" ".join(map(str, cell)) if isinstance(cell, list) else str(cell) for cell in cells)


def whole_text(row: Record, views: Sequence[View]) -> str:
    """What a row says in several views; empty where it says nothing in any."""
    found = [text_of(row, view) for view in views]
    return " // ".join(found) if any(found) else ""


def text_hash(text: str) -> int:
    """A hash of a text, the same for another case and other white space."""
    plain = " ".join(text.split()).casefold()
    return int.from_bytes(blake2b(plain.encode("utf-8", "surrogatepass"), digest_size=8).digest())


def label_hash(label: Value) -> int:
    """A hash of a label; lists are labels too."""
    told = json.dumps(label, sort_keys=True, default=str)
    return int.from_bytes(blake2b(told.encode(), digest_size=8).digest())


@frozen(eq=False)
class Texts:
    """The texts of one view of one source, per split: a hash for each row, and how many have no text."""

    hashes: Mapping[SplitName, Growing] = field(factory=lambda: {split: Growing("Q") for split in SPLITS})
    empty: dict[SplitName, int] = field(factory=lambda: dict.fromkeys(SPLITS, 0))

    def add(self, split: SplitName, text: str) -> None:
        """Count the text of a row."""
        if text:
            self.hashes[split].append(text_hash(text))
        else:
            self.empty[split] += 1

    def of(self, split: SplitName) -> Hashes:
        """The hashes of a split, in the order of its rows."""
        found: Hashes = self.hashes[split].array()
        return found

    def duplicates(self) -> dict[str, int]:
        """The rows of each split whose text came up before."""
        return {split: len(self.of(split)) - len(np.unique(self.of(split))) for split in SPLITS}

    def also_in(self, split: SplitName, trained: "Texts") -> tuple[Hashes, int]:
        """The texts of a split that some training rows have, and the rows of the split that hold them."""
        mine = self.of(split)
        shared = np.isin(mine, trained.of("train"))
        return np.unique(mine[shared]), int(shared.sum())


def contradictions(texts: Hashes, labels: Hashes) -> tuple[Hashes, int]:
    """The texts with several labels, and the rows that hold them; both arrays are per labelled row."""
    pairs = np.unique(np.stack([texts, labels]), axis=1) if len(texts) else np.zeros((2, 0), np.uint64)
    found, counts = np.unique(pairs[0], return_counts=True)
    several = found[counts > 1]
    return several, int(np.isin(texts, several).sum())


def quoted(rows: Iterable[Record], views: Sequence[View], wanted: Hashes) -> dict[int, str]:
    """The texts of the first of these hashes, from a second look at the rows."""
    missing = {int(each) for each in wanted[:SHOWN]}
    found: dict[int, str] = {}
    for row in rows:
        if not missing:
            break
        text = whole_text(row, views)
        number = text_hash(text)
        if number in missing:
            missing.discard(number)
            found[number] = text
    return found


def by_name(counts: Mapping[SplitName, int]) -> dict[str, int]:
    """Counts per split, as plain values."""
    return {str(split): count for split, count in counts.items()}


def doubtful(hashes: Hashes, rows: int, texts: Mapping[int, str]) -> Doubtful:
    """So many texts, of which those that are quoted are shown."""
    shown = (texts.get(int(each)) for each in hashes[:SHOWN])
    return Doubtful(len(hashes), rows, tuple(text for text in shown if text is not None))


def _is_empty(cell: Value) -> bool:
    return is_missing(cell) or cell == []
