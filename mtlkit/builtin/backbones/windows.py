"""Long rows: encoded in overlapping windows, and joined to one row of tokens for the heads.

A joined row holds its windows one after another. Of tokens that two windows share, each counts once: in the
window where it stands further from the edge. What every window repeats (special tokens, the first text of a
pair) counts in the first one. Tokens that do not count are masked.

Shapes: B rows of a batch, T tokens of the longest joined row, W windows, S tokens of the longest of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np
import torch
from attrs import frozen
from torch import Tensor

Flags = np.ndarray[tuple[int], np.dtype[np.bool_]]


@frozen(eq=False)
class Windows:
    """Where tokens are: `places` [W, S] in the joined rows [B·T], `back` [B, T] in the windows [W·S].

    `mask` [W, S] is True at real tokens of a window.
    """

    places: Tensor
    mask: Tensor
    back: Tensor

    @classmethod
    def of(cls, sizes: Sequence[Sequence[int]], width: int) -> Self:
        """The windows of rows that have windows of these sizes, in rows joined to `width` tokens."""
        spans = [
            (row * width + sum(lengths[:number]), length)
            for row, lengths in enumerate(sizes)
            for number, length in enumerate(lengths)
        ]
        longest = max(length for _, length in spans)
        places = np.zeros((len(spans), longest), np.int64)
        mask = np.zeros((len(spans), longest), np.bool_)
        back = np.zeros(len(sizes) * width, np.int64)
        for window, (start, length) in enumerate(spans):
            places[window, :length] = np.arange(start, start + length)
            mask[window, :length] = True
            back[start : start + length] = np.arange(window * longest, window * longest + length)
        joined = torch.from_numpy(back).view(len(sizes), width)
        return cls(torch.from_numpy(places), torch.from_numpy(mask), joined)

    def to(self, device: torch.device | str) -> Self:
        """The same on another device."""
        return type(self)(self.places.to(device), self.mask.to(device), self.back.to(device))

    def apart(self, values: Tensor, filler: float = 0) -> Tensor:
        """Values [B, T, …] of joined rows as values [W, S, …] of their windows."""
        found = values.flatten(0, 1)[self.places]
        mask = self.mask.view(*self.mask.shape, *[1] * (values.dim() - 2))
        return found.masked_fill(~mask, filler)

    def together(self, values: Tensor) -> Tensor:
        """Values [W, S, …] of windows as values [B, T, …] of joined rows."""
        return values.flatten(0, 1)[self.back]


def counting(texts: Sequence[np.ndarray], overlap: int) -> Flags:
    """Which tokens of a joined row count; `texts` says for each window which text its tokens are of, -1 none.

    The last text runs on from window to window; two neighbours share `overlap` tokens of it.
    """
    running = max(int(window.max(initial=-1)) for window in texts)
    flags = []
    for number, window in enumerate(texts):
        own = np.flatnonzero(window == running)
        counts = np.full(len(window), number == 0)
        first = overlap // 2 if number else 0
        last = len(own) - (overlap - overlap // 2 if number + 1 < len(texts) else 0)
        counts[own] = False
        counts[own[first:last]] = True
        flags.append(counts)
    return np.concatenate(flags)
