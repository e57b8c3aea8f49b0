"""Correlation of predicted numbers with the right ones, or of cosines with the scores that people gave.

Shapes: N rows of an evaluation set. Records [N, 2] are predicted and right.
"""

from __future__ import annotations

import numpy as np

from mtlkit.builtin.metrics.measured import measured
from mtlkit.contracts.head import Measure


def spearman(predicted: np.ndarray, gold: np.ndarray) -> Measure:
    """Spearman's rank correlation, ties at their mean rank; 0 where either side is constant."""
    return measured("spearman", np.stack([predicted, gold], 1), _spearman)


def pearson(predicted: np.ndarray, gold: np.ndarray) -> Measure:
    """Pearson's correlation; 0 where either side is constant."""
    return measured("pearson", np.stack([predicted, gold], 1), _pearson)


def _spearman(records: np.ndarray) -> float:
    from scipy.stats import rankdata

    return _pearson(rankdata(records, axis=0))


def _pearson(records: np.ndarray) -> float:
    centred = records - records.mean(0)
    spread = np.linalg.norm(centred, axis=0)
    if (records == records[0]).all(0).any() or not spread.all():
        return 0.0
    first, second = (centred / spread).T
    return float(first @ second)
