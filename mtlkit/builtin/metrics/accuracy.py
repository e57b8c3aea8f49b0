"""Accuracy, of rows and of words.

Shapes: N rows of an evaluation set.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mtlkit.contracts.head import Measure


def accuracy(predicted: Sequence[str], gold: Sequence[str]) -> Measure:
    """The share of rows predicted right; records [N, 1] are 1 where right."""
    right = [mine == theirs for mine, theirs in zip(predicted, gold, strict=True)]
    records = np.asarray(right, np.float64)[:, None]
    return Measure("accuracy", records, lambda chosen: float(chosen[:, 0].mean()))


def token_accuracy(predicted: Sequence[Sequence[str]], gold: Sequence[Sequence[str | None]]) -> Measure:
    """The share of tagged words predicted right; records [N, 2] are right and tagged words of a row."""
    counts = [
        (
            sum(mine == theirs for mine, theirs in zip(tags, wanted, strict=True)),
            sum(tag is not None for tag in wanted),
        )
        for tags, wanted in zip(predicted, gold, strict=True)
    ]
    return Measure("token-accuracy", np.asarray(counts, np.float64), _share)


def _share(records: np.ndarray) -> float:
    right, tagged = records.sum(0)
    return float(right / tagged) if tagged else 0.0
