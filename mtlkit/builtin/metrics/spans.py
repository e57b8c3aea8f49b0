"""F1, precision and recall of sets: spans, pairs of spans, anything that is right or wrong as a whole.

Shapes: N rows of an evaluation set. Records [N, 3] are a row's right, predicted and gold members.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Sequence

import numpy as np

from mtlkit.builtin.metrics.measured import measured, ratio
from mtlkit.contracts.head import Measure

Sets = Sequence[Collection[Hashable]]


def span_f1(predicted: Sets, gold: Sets) -> Measure:
    """2 · right / (predicted + gold) over all rows (micro); 0 where there is nothing at all."""
    return measured("span-f1", set_records(predicted, gold), set_f1)


def span_precision(predicted: Sets, gold: Sets) -> Measure:
    """The share of what is predicted that is right; 0 where nothing is predicted."""
    return measured("span-precision", set_records(predicted, gold), _precision)


def span_recall(predicted: Sets, gold: Sets) -> Measure:
    """The share of what is right that is predicted; 0 where nothing is right."""
    return measured("span-recall", set_records(predicted, gold), _recall)


def set_records(predicted: Sets, gold: Sets) -> np.ndarray:
    """Right, predicted and gold members [N, 3] of each row; one that is listed twice counts once."""
    counts = []
    for mine, theirs in zip(map(set, predicted), map(set, gold), strict=True):
        counts.append((len(mine & theirs), len(mine), len(theirs)))
    return np.asarray(counts, np.float64).reshape(-1, 3)


def set_f1(records: np.ndarray) -> float:
    """F1 of summed records."""
    right, predicted, gold = records.sum(0)
    return ratio(2 * right, predicted + gold)


def _precision(records: np.ndarray) -> float:
    right, predicted, _ = records.sum(0)
    return ratio(right, predicted)


def _recall(records: np.ndarray) -> float:
    right, _, gold = records.sum(0)
    return ratio(right, gold)
