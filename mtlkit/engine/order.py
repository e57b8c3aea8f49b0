"""The order of rows: a function of (seed, source, cursor), so that nothing about it needs saving.

A source is an endless stream: each pass over its rows is a permutation of its own.
"""

from collections.abc import Callable, Sequence

import numpy as np
from attrs import define, field, frozen

from mtlkit.engine.buckets import bucketed
from mtlkit.engine.seeds import permutation

ALIKE = 0.7
SMALLEST_GROUP = 8


@frozen(eq=False)
class Buckets:
    """Rows of like length come together, `size` of them; `lengths` gives those of all rows, in tokens."""

    size: int
    lengths: Callable[[], Sequence[int]]


@define
class Stream:
    """The training rows of one source in the order they are taken.

    The order depends on the seed, the source's name, its number of rows and, with buckets, on their lengths
    alone: other sources and tasks do not change it.
    """

    name: str
    rows: int
    seed: int
    buckets: Buckets | None = None
    _passes: dict[int, np.ndarray] = field(factory=dict, init=False)

    def take(self, cursor: int, count: int) -> list[int]:
        """The `count` row positions from `cursor`, the number of rows taken so far, on."""
        found: list[int] = []
        while len(found) < count:
            number, place = divmod(cursor + len(found), self.rows)
            found += self._kept(number)[place : place + count - len(found)].tolist()
        return found

    def _kept(self, number: int) -> np.ndarray:
        if number not in self._passes:
            self._passes.clear()  # one pass is enough: cursors only grow
            self._passes[number] = self._pass(number)
        return self._passes[number]

    def _pass(self, number: int) -> np.ndarray:
        rows = permutation(self.rows, self.seed, "rows", self.name, number)
        if self.buckets is None:
            return rows

        def shuffled(count: int) -> np.ndarray:
            return permutation(count, self.seed, "buckets", self.name, number)

        return bucketed(rows, self.buckets.lengths(), self.buckets.size, number * self.rows, shuffled)


def length_chunks(lengths: Sequence[int], size: int) -> list[list[int]]:
    """Positions 0…n-1 in chunks of at most `size`, rows of like length together.

    A function of the lengths alone; ties keep their order.
    """
    order = sorted(range(len(lengths)), key=lambda at: lengths[at])
    return [order[at : at + size] for at in range(0, len(order), size)]


def homogeneous(lengths: Sequence[int]) -> list[list[int]]:
    """Positions 0…n-1 in groups of like length, so that little is padded; a function of the lengths.

    A group ends where a row is shorter than 0.7 of its longest, but not before it has 8 rows: smaller
    matrix products cost more than the padding they save.
    """
    groups: list[list[int]] = []
    for at in sorted(range(len(lengths)), key=lambda place: -lengths[place]):
        longest = lengths[groups[-1][0]] if groups else 0
        if not groups or (len(groups[-1]) >= SMALLEST_GROUP and lengths[at] < ALIKE * longest):
            groups.append([])
        groups[-1].append(at)
    return groups
