"""Pairs of texts that belong together or not, told apart by one number.

Shapes: N rows of an evaluation set.
"""

from __future__ import annotations

import numpy as np

from mtlkit.builtin.metrics.measured import measured
from mtlkit.contracts.head import Measure


def best_accuracy(scores: np.ndarray, together: np.ndarray) -> Measure:
    """The accuracy of "together at this score and above", at the score where it is highest on these rows.

    What another set would give at that score is lower. `together` [N] is 1 or 0; records [N, 2] are both.
    """
    return measured("best-accuracy", np.stack([scores, together], 1).astype(np.float64), _best)


def _best(records: np.ndarray) -> float:
    order = np.argsort(-records[:, 0], kind="stable")
    scores, right = records[order].T
    last = np.append(np.diff(scores) != 0, True)
    # Rows right when the first k are taken for pairs: those of them that are, the others that aren't.
    hits = np.cumsum(right) + ((1 - right).sum() - np.cumsum(1 - right))
    return float(max(hits[last].max(), (1 - right).sum()) / len(records))
