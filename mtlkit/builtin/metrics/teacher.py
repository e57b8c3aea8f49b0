"""How near a student is to its teacher.

Shapes: N rows of an evaluation set, D size of their vectors.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mtlkit.builtin.metrics.measured import column, mean, measured
from mtlkit.contracts.head import Measure


def agreement(predicted: Sequence[str], teacher: Sequence[str]) -> Measure:
    """The share of rows that both give the same class."""
    same = [mine == theirs for mine, theirs in zip(predicted, teacher, strict=True)]
    return measured("agreement", column(same), mean)


def mean_cosine(predicted: np.ndarray, teacher: np.ndarray) -> Measure:
    """The mean cosine of both vectors [N, D]; that of a vector of zeros is 0."""
    lengths = np.linalg.norm(predicted, axis=-1) * np.linalg.norm(teacher, axis=-1)
    cosines = (predicted * teacher).sum(-1) / np.where(lengths > 0, lengths, 1.0)
    return measured("cosine", column(cosines), mean)


def vector_rmse(predicted: np.ndarray, teacher: np.ndarray) -> Measure:
    """The root of the mean squared difference of a number of both vectors. Lower is better."""
    squares = ((predicted - teacher) ** 2).mean(-1)
    return measured("rmse", column(squares), lambda some: float(np.sqrt(mean(some))), higher_is_better=False)
