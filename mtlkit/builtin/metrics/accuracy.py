"""Accuracy, of rows and of words.

Shapes: N rows of an evaluation set.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mtlkit.builtin.metrics.measured import column, mean, measured, ratio
from mtlkit.contracts.head import Measure


def accuracy(predicted: Sequence[str], gold: Sequence[str]) -> Measure:
    """The share of rows predicted right; records [N, 1] are 1 where right."""
    right = [mine == theirs for mine, theirs in zip(predicted, gold, strict=True)]
    return measured("accuracy", column(right), mean)


def token_accuracy(predicted: Sequence[Sequence[str]], gold: Sequence[Sequence[str | None]]) -> Measure:
    """The share of tagged words predicted right; records [N, 2] are right and tagged words of a row.

    0 where no word is tagged.
    """
    counts = [
        (
            sum(mine == theirs for mine, theirs in zip(tags, wanted, strict=True)),
            sum(tag is not None for tag in wanted),
        )
        for tags, wanted in zip(predicted, gold, strict=True)
    ]
    return measured("token-accuracy", np.asarray(counts, np.float64).reshape(-1, 2), _share)


def _share(records: np.ndarray) -> float:
    right, tagged = records.sum(0)
    return ratio(right, tagged)
