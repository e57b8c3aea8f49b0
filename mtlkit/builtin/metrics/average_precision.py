"""Average precision: precision at each right row, in the order of the scores.

Shapes: N rows of an evaluation set, C classes.
"""

from __future__ import annotations

import numpy as np

from mtlkit.builtin.metrics.measured import measured
from mtlkit.contracts.head import Measure


def average_precision(scores: np.ndarray, gold: np.ndarray) -> Measure:
    """Of one class; `scores` and `gold` [N], 1 where right, NaN missing. Records [N, 2] are both.

    0 where no row is right.
    """
    return measured("ap", np.stack([scores, gold], 1).astype(np.float64), _macro)


def macro_average_precision(scores: np.ndarray, gold: np.ndarray) -> Measure:
    """The mean over the classes that some row is right for; `scores` and `gold` [N, C], records [N, 2C]."""
    return measured("macro-ap", np.concatenate([scores, gold], 1).astype(np.float64), _macro)


def _macro(records: np.ndarray) -> float:
    scores, gold = np.split(records, 2, axis=1)
    found = [_precision(scores[:, at], gold[:, at]) for at in range(scores.shape[1])]
    defined = [each for each in found if each is not None]
    return float(np.mean(defined)) if defined else 0.0


def _precision(scores: np.ndarray, gold: np.ndarray) -> float | None:
    """Σ (recall_n - recall_{n-1}) · precision_n over the distinct scores, as scikit-learn's."""
    known = ~np.isnan(gold)
    order = np.argsort(-scores[known], kind="stable")
    ranked, right = scores[known][order], gold[known][order] == 1
    if not right.any():
        return None
    last = np.flatnonzero(np.append(np.diff(ranked) != 0, True))
    found = np.cumsum(right)[last]
    return float((np.diff(found, prepend=0) * found / (last + 1)).sum() / found[-1])
