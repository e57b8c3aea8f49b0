"""Quadratic weighted kappa: agreement of ordered classes beyond chance.

Shapes: N rows of an evaluation set.
"""

from __future__ import annotations

import numpy as np

from mtlkit.builtin.metrics.measured import measured
from mtlkit.contracts.head import Measure


def quadratic_kappa(predicted: np.ndarray, gold: np.ndarray) -> Measure:
    """1 - mean (p - g)² / its expectation were the two independent (Cohen 1968); records [N, 2] are p and g.

    0 where both sides are the same constant: nothing shows agreement then.
    """
    return measured("quadratic-kappa", np.stack([predicted, gold], 1).astype(np.float64), _kappa)


def _kappa(records: np.ndarray) -> float:
    predicted, gold = records.T
    expected = predicted.var() + gold.var() + (predicted.mean() - gold.mean()) ** 2
    if (records == records[0, 0]).all():
        return 0.0
    return float(1 - ((predicted - gold) ** 2).mean() / expected)
