"""Correlation of cosines with the scores that people gave.

Shapes: N rows of an evaluation set. Records [N, 2] are cosine and score.
"""

from __future__ import annotations

import numpy as np

from mtlkit.contracts.head import Measure


def spearman(cosines: np.ndarray, scores: np.ndarray) -> Measure:
    """Spearman's rank correlation, ties at their mean rank; 0 where either side is constant."""
    return Measure("spearman", np.stack([cosines, scores], 1), _spearman)


def pearson(cosines: np.ndarray, scores: np.ndarray) -> Measure:
    """Pearson's correlation; 0 where either side is constant."""
    return Measure("pearson", np.stack([cosines, scores], 1), _pearson)


def _spearman(records: np.ndarray) -> float:
    from scipy.stats import rankdata

    return _pearson(rankdata(records, axis=0))


def _pearson(records: np.ndarray) -> float:
    centred = records - records.mean(0)
    if (records == records[0]).all(0).any():
        return 0.0
    first, second = (centred / np.linalg.norm(centred, axis=0)).T
    return float(first @ second)
