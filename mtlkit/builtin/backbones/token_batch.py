"""Token rows and their padded batches, shared by the backbones that read text.

Shapes: B rows of a batch, T tokens of the longest row.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np
import torch
from attrs import frozen
from torch import Tensor

from mtlkit.contracts.data import Value

NO_WORD = -1
Ints = np.ndarray[tuple[int], np.dtype[np.int32]]


@frozen(eq=False)
class TokenRow:
    """One encoded row: token ids, segment ids where the model has them, word numbers where it had words."""

    ids: Ints
    types: Ints | None = None
    words: Ints | None = None

    def __len__(self) -> int:
        return len(self.ids)


@frozen(eq=False)
class Batch:
    """Padded rows, all [B, T]: `ids`, `mask` (True at real tokens), `types` or None, `words`."""

    ids: Tensor
    mask: Tensor
    types: Tensor | None
    words: Tensor

    def to(self, device: torch.device | str) -> Self:
        """The same batch on another device."""
        types = None if self.types is None else self.types.to(device)
        return type(self)(self.ids.to(device), self.mask.to(device), types, self.words.to(device))


def pad_rows(rows: Sequence[TokenRow], padding: int) -> Batch:
    """The rows as one batch, padded on the right to the longest with the id `padding`."""
    shape = (len(rows), max(map(len, rows), default=0))
    ids, words = np.full(shape, padding, np.int64), np.full(shape, NO_WORD, np.int64)
    types, mask = np.zeros(shape, np.int64), np.zeros(shape, np.bool_)
    for number, row in enumerate(rows):
        length = len(row)
        ids[number, :length], mask[number, :length] = row.ids, True
        if row.types is not None:
            types[number, :length] = row.types
        if row.words is not None:
            words[number, :length] = row.words
    typed = torch.from_numpy(types) if any(row.types is not None for row in rows) else None
    return Batch(torch.from_numpy(ids), torch.from_numpy(mask), typed, torch.from_numpy(words))


def text_of(value: Value) -> str:
    """The cell as text; a missing one is the empty text."""
    return value if isinstance(value, str) else "" if value is None else str(value)


def words_of(row: tuple[Value, ...]) -> list[str] | None:
    """The words of a row that is one list of words, else None."""
    if len(row) == 1 and isinstance(row[0], list | tuple):
        return [text_of(word) for word in row[0]]
    return None
