"""Rows without padding: their tokens one after another, as one row, and apart again.

Only attention looks at more than one token at a time. For it the rows are put into groups of like length,
each padded to its longest row; everything else is computed for real tokens only, and for a few fillers behind
them: matrix products are prepared anew for each new size, so sizes are rounded up to few.

Shapes: B rows, T tokens of the longest, N tokens of all rows, P of them and fillers; M places of all groups,
padding included; A attention heads.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import torch
from attrs import field, frozen
from torch import Tensor

Ints = np.ndarray[Any, np.dtype[np.int64]]
Flags = np.ndarray[Any, np.dtype[np.bool_]]
GROUP_ROWS = 8
"""Rows of a group: of fewer the products of attention are small, of more the padding is large."""
WIDTH_STEP = 8
"""Widths of groups are multiples of this."""
SIZES = 16
"""Of sizes between a power of two and the next there are this many."""


@frozen(eq=False)
class Group:
    """Rows that attend together, as a block of `rows` · `width` places.

    `mask` [rows, width] is True at tokens, None where no row is padded.
    """

    rows: int
    width: int
    mask: Tensor | None

    def places(self, heads: int) -> Tensor:
        """The number [rows · width, A] of each place for each head, those of a row and a head together."""
        rows, steps, each = (torch.arange(count) for count in (self.rows, self.width, heads))
        found = (rows[:, None, None] * heads + each) * self.width + steps[:, None]
        return found.view(-1, heads)

    def bias(self, heads: int) -> Tensor | None:
        """What is added to scores [rows · A, 1, width]: -∞ at padding; None where there is none."""
        if self.mask is None:
            return None
        bias = torch.zeros(self.mask.shape, device=self.mask.device).masked_fill_(~self.mask, -torch.inf)
        return bias.repeat_interleave(heads, 0)[:, None]


@frozen(eq=False)
class HeadPlaces:
    """Where each attention head finds its part of tokens: as `there` [M·A] and `back` [N·A] of a packing.

    `biases` are those of the groups.
    """

    there: Tensor
    back: Tensor
    biases: tuple[Tensor | None, ...]


@frozen(eq=False)
class Packing:
    """Where the tokens of a padded batch are when they stand one after another.

    `flat` [N] is where each token is in the batch [B·T], `positions` [P] its number in its row, 0 for
    fillers. `there` [M] says which token is at each place of the groups, one after another (at padding the
    first of its row), and `back` [N] at which place each token is.
    """

    rows: int
    width: int
    flat: Tensor
    positions: Tensor
    groups: tuple[Group, ...]
    there: Tensor
    back: Tensor
    _by_heads: dict[int, HeadPlaces] = field(factory=dict, init=False)

    @classmethod
    def of(cls, lengths: Sequence[int], width: int, device: torch.device) -> Self:
        """The packing of rows of these lengths in a batch padded on the right to `width`.

        At least one row has a token.
        """
        sizes = np.asarray(lengths)
        starts = np.cumsum(sizes) - sizes
        row_of = np.repeat(np.arange(len(sizes)), sizes)
        positions = np.arange(len(row_of)) - starts[row_of]
        blocks = [_block(starts[members], sizes[members]) for members in _groups(sizes)]
        there = np.concatenate([places for places, _ in blocks])
        real = np.concatenate([real.ravel() for _, real in blocks])
        back = np.empty(len(row_of), np.int64)
        back[there[real]] = np.flatnonzero(real)
        return cls(
            rows=len(sizes),
            width=width,
            flat=_on(row_of * width + positions, device),
            positions=_on(np.pad(positions, (0, rounded(len(positions)) - len(positions))), device),
            groups=tuple(_group(real, device) for _, real in blocks),
            there=_on(there, device),
            back=_on(back, device),
        )

    def of_heads(self, heads: int) -> HeadPlaces:
        """The places for so many attention heads."""
        if heads not in self._by_heads:
            self._by_heads[heads] = self._head_places(heads)
        return self._by_heads[heads]

    def _head_places(self, heads: int) -> HeadPlaces:
        sizes = [group.rows * group.width for group in self.groups]
        starts = np.cumsum([0, *sizes[:-1]])
        found = [
            group.places(heads) + int(start) * heads for group, start in zip(self.groups, starts, strict=True)
        ]
        places = torch.cat(found).to(self.there.device)
        each = torch.arange(heads, device=self.there.device)
        there = torch.empty(places.numel(), dtype=torch.int64, device=self.there.device)
        there[places] = self.there[:, None] * heads + each
        biases = tuple(group.bias(heads) for group in self.groups)
        return HeadPlaces(there, places[self.back].flatten(), biases)

    def together(self, values: Tensor) -> Tensor:
        """Values [B, T, …] as values [1, P, …] of the tokens, zero for fillers."""
        return self.filled(values.flatten(0, 1)[self.flat])[None]

    def apart(self, values: Tensor) -> Tensor:
        """Values [1, P, …] as values [B, T, …], zero at padding."""
        whole = values.new_zeros(self.rows * self.width, *values.shape[2:])
        found = whole.index_copy(0, self.flat, values[0, : len(self.flat)])
        return found.view(self.rows, self.width, *values.shape[2:])

    def filled(self, values: Tensor) -> Tensor:
        """Values [N, …] of the tokens as values [P, …], zero for fillers."""
        more = len(self.positions) - len(values)
        return torch.cat([values, values.new_zeros(more, *values.shape[1:])]) if more else values


def rounded(size: int) -> int:
    """The next of few sizes, at most a sixteenth larger."""
    step = 1 << max(size.bit_length() - SIZES.bit_length(), 0)
    return -(-size // step) * step


def _groups(sizes: Ints) -> list[Ints]:
    """The rows that have tokens, longest first, a few at a time."""
    order = np.argsort(-sizes, kind="stable")[: np.count_nonzero(sizes)]
    return np.split(order, range(GROUP_ROWS, len(order), GROUP_ROWS))


def _block(starts: Ints, sizes: Ints) -> tuple[Ints, Flags]:
    """Which token is at each place of a group of rows, and which places [rows, width] are no padding."""
    steps = np.arange(-(-sizes[0] // WIDTH_STEP) * WIDTH_STEP)
    real = steps < sizes[:, None]
    return (starts[:, None] + steps * real).ravel(), real


def _group(real: Flags, device: torch.device) -> Group:
    rows, width = real.shape
    return Group(rows, width, None if real.all() else _on(real, device))


def _on(values: np.ndarray[Any, Any], device: torch.device) -> Tensor:
    return torch.from_numpy(values).to(device)
