"""Rows without padding: their tokens one after another, as one row, and apart again.

Only attention looks at more than one token at a time. For it the rows are put into groups of like length,
each padded to its longest row; everything else is computed for real tokens only, and for a few fillers behind
them: matrix products are prepared anew for each new size, so sizes are rounded up to few.

Shapes: B rows, T tokens of the longest, N tokens of all rows, P of them and fillers; M places of all groups,
padding included; A attention heads, D dimensions of each.
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

    def bias(self, heads: int) -> Tensor | None:
        """What is added to scores [rows · A, 1, width]: -∞ at padding; None where there is none."""
        if self.mask is None:
            return None
        bias = torch.zeros(self.mask.shape, device=self.mask.device).masked_fill_(~self.mask, -torch.inf)
        return bias.repeat_interleave(heads, 0)[:, None]


@frozen(eq=False)
class HeadPlaces:
    """Where each attention head has its part of V values, in groups of places.

    `there` [M·A] says which value and head is at each place, those of a row and a head together, and `back`
    [V·A] at which place each value and head is. `shapes` are (rows · A, width) of each group.
    """

    there: Tensor
    back: Tensor
    shapes: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, there: Tensor, back: Tensor, shapes: Sequence[tuple[int, int]], heads: int) -> Self:
        """Those of values whose places, `there` [M] and `back` [V], are in groups of (rows, width)."""
        sizes = [rows * width for rows, width in shapes]
        starts = np.cumsum([0, *sizes[:-1]]) * heads
        found = [_places(*shape, heads) + int(start) for shape, start in zip(shapes, starts, strict=True)]
        places = torch.cat(found).to(there.device)
        each = torch.arange(heads, device=there.device)
        at = torch.empty(places.numel(), dtype=torch.int64, device=there.device)
        at[places] = there[:, None] * heads + each
        return cls(at, places[back].flatten(), tuple((rows * heads, width) for rows, width in shapes))

    def parts(self, values: Tensor) -> list[Tensor]:
        """Of each group its part [rows · A, width, D] of values [M·A, D]."""
        parts = values.split_with_sizes([rows * width for rows, width in self.shapes])
        return [part.view(*shape, -1) for part, shape in zip(parts, self.shapes, strict=True)]


@frozen(eq=False)
class Attending:
    """Who attends to whom: the places of queries, those of keys and values, and the bias of each group."""

    asking: HeadPlaces
    told: HeadPlaces
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
    _attending: dict[tuple[int, bool], Attending] = field(factory=dict, init=False)

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

    @property
    def firsts(self) -> Tensor:
        """The number [R] of the first token of each of the R rows that have one."""
        return (self.positions[: len(self.flat)] == 0).nonzero().flatten()

    def attending(self, heads: int, *, first: bool = False) -> Attending:
        """The places for so many attention heads, when every token asks or the `first` of each row alone."""
        if (heads, first) not in self._attending:
            shapes = [(group.rows, group.width) for group in self.groups]
            told = HeadPlaces.of(self.there, self.back, shapes, heads)
            asking = self._asked_by_first(shapes, heads) if first else told
            biases = tuple(group.bias(heads) for group in self.groups)
            self._attending[heads, first] = Attending(asking, told, biases)
        return self._attending[heads, first]

    def _asked_by_first(self, shapes: Sequence[tuple[int, int]], heads: int) -> HeadPlaces:
        groups = self.there.split_with_sizes([rows * width for rows, width in shapes])
        tokens = torch.cat([part.view(*shape)[:, 0] for part, shape in zip(groups, shapes, strict=True)])
        there = torch.searchsorted(self.firsts, tokens)
        return HeadPlaces.of(there, there.argsort(), [(rows, 1) for rows, _ in shapes], heads)

    def together(self, values: Tensor) -> Tensor:
        """Values [B, T, …] as values [1, P, …] of the tokens, zero for fillers."""
        return self.filled(values.flatten(0, 1)[self.flat])[None]

    def apart(self, values: Tensor) -> Tensor:
        """Values [1, P, …] as values [B, T, …], zero at padding."""
        whole = values.new_zeros(self.rows * self.width, *values.shape[2:])
        found = whole.index_copy(0, self.flat, values[0, : len(self.flat)])
        return found.view(self.rows, self.width, *values.shape[2:])

    def firsts_apart(self, values: Tensor) -> Tensor:
        """Values [1, R, …] of the first tokens as values [B, 1, …], zero for rows without a token."""
        rows = self.flat[self.firsts] // self.width
        whole = values.new_zeros(self.rows, *values.shape[2:])
        return whole.index_copy(0, rows, values[0])[:, None]

    def filled(self, values: Tensor) -> Tensor:
        """Values [N, …] of the tokens as values [P, …], zero for fillers."""
        more = len(self.positions) - len(values)
        return torch.cat([values, values.new_zeros(more, *values.shape[1:])]) if more else values


def rounded(size: int) -> int:
    """The next of few sizes, at most a sixteenth larger."""
    step = 1 << max(size.bit_length() - SIZES.bit_length(), 0)
    return -(-size // step) * step


def _places(rows: int, width: int, heads: int) -> Tensor:
    """The number [rows · width, A] of each place of a group, for each head."""
    row, step, each = (torch.arange(count) for count in (rows, width, heads))
    found = (row[:, None, None] * heads + each) * width + step[:, None]
    return found.view(-1, heads)


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
