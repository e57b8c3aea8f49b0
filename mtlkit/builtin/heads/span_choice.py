"""Choosing spans by score so that they do not overlap, or only nest (Yu et al. 2020, section 3).

A span is (begin, end), the end exclusive.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from attrs import frozen


@frozen
class Candidate:
    """A span with its label and score."""

    begin: int
    end: int
    label: str
    score: float


def chosen(candidates: Sequence[Candidate], *, nested: bool) -> list[Candidate]:
    """The candidates taken, in the order of their words.

    They are taken from the highest score down, each unless it clashes with one already taken: where it has a
    word in common with it, or if `nested` where the two cross. One span may then have several labels. Of
    equal scores the one that begins first is taken first, then the shorter one, then by label.
    """
    order = sorted(candidates, key=lambda each: (-each.score, each.begin, each.end, each.label))
    begins, ends = np.zeros(len(order), np.int64), np.zeros(len(order), np.int64)
    taken: list[Candidate] = []
    for each in order:
        begin, end = begins[: len(taken)], ends[: len(taken)]
        meet = (begin < each.end) & (each.begin < end)
        if nested:
            within = (begin >= each.begin) & (end <= each.end)
            around = (begin <= each.begin) & (end >= each.end)
            meet &= ~(within | around)
        if not meet.any():
            begins[len(taken)], ends[len(taken)] = each.begin, each.end
            taken.append(each)
    return sorted(taken, key=lambda each: (each.begin, each.end, each.label))
