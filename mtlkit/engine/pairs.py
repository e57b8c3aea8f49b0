"""A second text for every row of a split, drawn by hash so that it does not depend on the order of rows.

The texts of a split stand in a ring, in the order of their hashes. The partner of a row is the next text
that belongs to it, or the next one that does not; a row more changes the partner of one other, and a row of
another split that of none.
"""

from array import array
from collections.abc import Iterable
from typing import Any

import numpy as np
from attrs import frozen

from mtlkit.contracts.data import Record
from mtlkit.contracts.rows import PairSpec
from mtlkit.engine.content import content_hash, is_missing

NONE = -1
Hashes = np.ndarray[Any, np.dtype[np.uint64]]
Places = np.ndarray[Any, np.dtype[np.int64]]


@frozen(eq=False)
class Partners:
    """For the rows of a split the places, among them, of their partners; `kept` those that have some.

    `first` is the partner of each kept row, `second` its negative in triplets, `same` whether the first one
    belongs to it.
    """

    kept: Places
    first: Places
    second: Places
    same: np.ndarray[Any, np.dtype[np.bool_]]


def partners(rows: Iterable[Record], spec: PairSpec, salt: str) -> Partners:
    """The partners of rows with our columns."""
    hashes = array("Q")
    for row in rows:
        hashes.extend(_hashes(row, spec, salt))
    found = np.frombuffer(hashes, np.uint64).reshape(-1, 4)
    text, group, coin, grouped = found[:, 0], found[:, 1], found[:, 2] % 2 == 0, found[:, 3] == 1
    positive = _next_alike(text, group, grouped)
    negative = _next_other(text, group, grouped)
    if spec.kind == "triplet":
        usable = (positive != NONE) & (negative != NONE)
        first, same = positive, np.ones(len(text), bool)
    elif spec.kind == "positive":
        usable, first, same = positive != NONE, positive, np.ones(len(text), bool)
    else:
        same = (coin | (negative == NONE)) & (positive != NONE)
        first = np.where(same, positive, negative)
        usable = first != NONE
    kept = np.flatnonzero(usable)
    return Partners(kept, first[kept], negative[kept], same[kept])


def _hashes(row: Record, spec: PairSpec, salt: str) -> tuple[int, int, int, int]:
    text = content_hash({"text": row[spec.column]}, salt=salt, use="pair")
    group = content_hash({"group": row[spec.by]}, salt=salt, use="pair")
    coin = content_hash({"text": row[spec.column]}, salt=salt, use="either")
    return text, group, coin, int(not is_missing(row[spec.by]))


def _next_alike(text: Hashes, group: Hashes, grouped: np.ndarray[Any, np.dtype[np.bool_]]) -> Places:
    """The place of the next other text of the same group, from the last to the first again."""
    found = np.full(len(text), NONE, np.int64)
    order = np.lexsort((text, group))
    order = order[grouped[order]]
    if not len(order):
        return found
    starts = np.flatnonzero(np.r_[True, group[order][1:] != group[order][:-1]])
    for start, end in zip(starts, [*starts[1:], len(order)], strict=True):
        members = order[start:end]
        _, first, number = np.unique(text[members], return_index=True, return_inverse=True)
        if len(first) > 1:
            found[members] = members[first[(number + 1) % len(first)]]
    return found


def _next_other(text: Hashes, group: Hashes, grouped: np.ndarray[Any, np.dtype[np.bool_]]) -> Places:
    """The place of the next text of another group, from the last to the first again."""
    found = np.full(len(text), NONE, np.int64)
    order = np.lexsort((group, text))
    order = order[grouped[order]]
    if not len(order):
        return found
    groups = group[order]
    changes = np.flatnonzero(groups != np.roll(groups, 1))  # places where another group begins
    if len(changes):
        following = np.searchsorted(changes, np.arange(len(order)), side="right") % len(changes)
        found[order] = order[changes[following]]
    return found
