"""Token rows and their padded batches, shared by the backbones that read text.

Shapes: B rows of a batch, T tokens of the longest row.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import torch
from attrs import frozen
from torch import Tensor

from mtlkit.builtin.backbones.windows import Flags, Windows, counting
from mtlkit.contracts.data import Value

NO_WORD = -1
NO_TEXT = -1
Ints = np.ndarray[tuple[int], np.dtype[np.int32]]


@frozen(eq=False)
class TokenRow:
    """One encoded row: token ids, segment ids where the model has them, word numbers where it had words.

    `texts` and `spans` are those of `Features`, for one row and where they were asked for. `windows` are the
    lengths of the windows of a long row, `counts` which of its tokens count; see windows.py.
    """

    ids: Ints
    types: Ints | None = None
    words: Ints | None = None
    texts: Ints | None = None
    spans: np.ndarray[tuple[int, int], np.dtype[np.int32]] | None = None
    windows: tuple[int, ...] = ()
    counts: Flags | None = None

    def __len__(self) -> int:
        return len(self.ids)


@frozen(eq=False)
class Batch:
    """Padded rows, all [B, T]: `ids`, `mask` (True at tokens that count), `types` or None, `words`.

    `texts` [B, T] and `spans` [B, T, 2] are those of `Features`, None where a row does not have them, and
    `windows` where no row has more than one.
    """

    ids: Tensor
    mask: Tensor
    types: Tensor | None
    words: Tensor
    texts: Tensor | None = None
    spans: Tensor | None = None
    windows: Windows | None = None

    def to(self, device: torch.device | str) -> Self:
        """The same batch on another device."""
        parts = (self.ids, self.mask, self.types, self.words, self.texts, self.spans, self.windows)
        return type(self)(*(None if part is None else part.to(device) for part in parts))  # type: ignore[arg-type]


def pad_rows(rows: Sequence[TokenRow], padding: int) -> Batch:
    """The rows as one batch, padded on the right to the longest with the id `padding`."""
    shape = (len(rows), max(map(len, rows), default=0))
    ids, words = np.full(shape, padding, np.int64), np.full(shape, NO_WORD, np.int64)
    types, mask = np.zeros(shape, np.int64), np.zeros(shape, np.bool_)
    for number, row in enumerate(rows):
        length = len(row)
        ids[number, :length] = row.ids
        mask[number, :length] = True if row.counts is None else row.counts
        if row.types is not None:
            types[number, :length] = row.types
        if row.words is not None:
            words[number, :length] = row.words
    typed = torch.from_numpy(types) if any(row.types is not None for row in rows) else None
    windows = (
        Windows.of([row.windows or (len(row),) for row in rows], shape[1])
        if any(row.windows for row in rows)
        else None
    )
    plain = (torch.from_numpy(ids), torch.from_numpy(mask), typed, torch.from_numpy(words))
    return Batch(*plain, *_places(rows, shape), windows)


def join_windows(windows: Sequence[TokenRow], texts: Sequence[Ints], overlap: int) -> TokenRow:
    """The windows of a long row as one row; `texts` as for `windows.counting`."""
    counts = counting(texts, overlap)
    ids = np.concatenate([row.ids for row in windows])
    types = _joined([row.types for row in windows])
    words, where = (_joined([getattr(row, name) for row in windows]) for name in ("words", "texts"))
    for numbers in (words, where):
        if numbers is not None:
            numbers[~counts] = NO_WORD
    spans = _joined([row.spans for row in windows])
    return TokenRow(ids, types, words, where, spans, tuple(map(len, windows)), counts)


def _joined(parts: Sequence[np.ndarray | None]) -> Any:  # noqa: ANN401  of the parts' own shape, or None
    known = [part for part in parts if part is not None]
    return np.concatenate(known) if len(known) == len(parts) else None


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
