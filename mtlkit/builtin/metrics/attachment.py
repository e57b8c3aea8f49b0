"""Attachment scores of dependency trees.

Shapes: N sentences of an evaluation set.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mtlkit.builtin.metrics.measured import measured, ratio
from mtlkit.contracts.head import Measure

Arc = tuple[int, str]
"""The number of a word's head, and the relation to it."""


def unlabelled_attachment(
    predicted: Sequence[Sequence[Arc]], gold: Sequence[Sequence[Arc | None]]
) -> Measure:
    """The share of words whose head is right; words of missing arc (None) count nothing.

    Records [N, 2] are a sentence's right words and its words with an arc.
    """
    return measured("uas", _records(predicted, gold, 1), _share)


def labelled_attachment(predicted: Sequence[Sequence[Arc]], gold: Sequence[Sequence[Arc | None]]) -> Measure:
    """The share of words whose head and relation are right; records as of the unlabelled score."""
    return measured("las", _records(predicted, gold, 2), _share)


def _records(
    predicted: Sequence[Sequence[Arc]], gold: Sequence[Sequence[Arc | None]], width: int
) -> np.ndarray:
    counts = []
    for mine, theirs in zip(predicted, gold, strict=True):
        pairs = [(arc, right) for arc, right in zip(mine, theirs, strict=True) if right is not None]
        counts.append((sum(tuple(arc)[:width] == tuple(right)[:width] for arc, right in pairs), len(pairs)))
    return np.asarray(counts, np.float64).reshape(-1, 2)


def _share(records: np.ndarray) -> float:
    right, words = records.sum(0)
    return ratio(right, words)
