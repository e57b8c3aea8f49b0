"""How a metric is made: one rule for sets without rows.

Every metric of this folder is a function of records [N, K], one for each row, that is defined for every
selection of them, says nothing to standard error, and does not depend on their order. So records of
batches or of processes are concatenated, and the metric of all is computed once (a mean of means would be
another number).
"""

from __future__ import annotations

from collections.abc import Callable
from math import nan

import numpy as np

from mtlkit.contracts.head import Measure


def measured(
    name: str, records: np.ndarray, compute: Callable[[np.ndarray], float], *, higher_is_better: bool = True
) -> Measure:
    """A measure that is NaN of no rows: nothing was measured then."""

    def defined(chosen: np.ndarray) -> float:
        return float(compute(chosen)) if len(chosen) else nan

    return Measure(name, records, defined, higher_is_better)


def column(values: object) -> np.ndarray:
    """Records [N, 1] of one number for each row."""
    return np.asarray(values, np.float64).reshape(-1, 1)


def mean(records: np.ndarray) -> float:
    """The mean of the first column."""
    return float(records[:, 0].mean())


def ratio(first: float, second: float) -> float:
    """One number over another, 0 where that is 0: nothing counts then."""
    return float(first / second) if second else 0.0
