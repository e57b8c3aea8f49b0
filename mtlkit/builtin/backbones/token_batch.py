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
NO_TEXT = -1
Ints = np.ndarray[tuple[int], np.dtype[np.int32]]


@frozen(eq=False)
class TokenRow:
    """One encoded row: token ids, segment ids where the model has them, word numbers where it had words.

    `texts` and `spans` are those of `Features`, for one row and where they were asked for.
    """

    ids: Ints
    types: Ints | None = None
    words: Ints | None = None
    texts: Ints | None = None
    spans: np.ndarray[tuple[int, int], np.dtype[np.int32]] | None = None

    def __len__(self) -> int:
        return len(self.ids)


@frozen(eq=False)
class Batch:
    """Padded rows, all [B, T]: `ids`, `mask` (True at real tokens), `types` or None, `words`.

    `texts` [B, T] and `spans` [B, T, 2] are those of `Features`, None where a row does not have them.
    """

    ids: Tensor
    mask: Tensor
    types: Tensor | None
    words: Tensor
    texts: Tensor | None = None
    spans: Tensor | None = None

    def to(self, device: torch.device | str) -> Self:
        """The same batch on another device."""
        parts = (self.ids, self.mask, self.types, self.words, self.texts, self.spans)
        return type(self)(*(None if part is None else part.to(device) for part in parts))  # type: ignore[arg-type]


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
    places = _places(rows, shape)
    return Batch(torch.from_numpy(ids), torch.from_numpy(mask), typed, torch.from_numpy(words), *places)


def _places(rows: Sequence[TokenRow], shape: tuple[int, int]) -> tuple[Tensor | None, Tensor | None]:
    texts, spans = np.full(shape, NO_TEXT, np.int64), np.zeros((*shape, 2), np.int64)
    for number, row in enumerate(rows):
        if row.texts is None or row.spans is None:
            return None, None
        texts[number, : len(row)], spans[number, : len(row)] = row.texts, row.spans
    return torch.from_numpy(texts), torch.from_numpy(spans)


def text_of(value: Value) -> str:
    """The cell as text; a missing one is the empty text."""
    return value if isinstance(value, str) else "" if value is None else str(value)


def words_of(row: tuple[Value, ...]) -> list[str] | None:
    """The words of a row that is one list of words, else None."""
    if len(row) == 1 and isinstance(row[0], list | tuple):
        return [text_of(word) for word in row[0]]
    return None
