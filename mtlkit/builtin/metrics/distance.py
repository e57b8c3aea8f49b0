"""How far predicted numbers are from the right ones.

Shapes: N rows of an evaluation set.
"""

from __future__ import annotations

from math import sqrt

import numpy as np

from mtlkit.builtin.metrics.measured import column, mean, measured
from mtlkit.contracts.head import Measure


def mean_absolute_error(predicted: np.ndarray, gold: np.ndarray) -> Measure:
    """The mean of |p - g|; records [N, 1] are |p - g|. Lower is better."""
    distances = np.abs(np.asarray(predicted, np.float64) - gold)
    return measured("mae", column(distances), mean, higher_is_better=False)


def root_mean_squared_error(predicted: np.ndarray, gold: np.ndarray) -> Measure:
    """The root of the mean of (p - g)²; records [N, 1] are (p - g)². Lower is better."""
    squares = (np.asarray(predicted, np.float64) - gold) ** 2
    return measured("rmse", column(squares), lambda chosen: sqrt(mean(chosen)), higher_is_better=False)
