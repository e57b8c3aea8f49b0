"""Retrieval of each query's own answer among all answers of the evaluation set.

The rank of an answer is found among all of them at once; records [N, 1] are ranks, from 1.
Shapes: N queries, U distinct answers, D size of the vectors.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mtlkit.builtin.metrics.measured import column, measured
from mtlkit.contracts.head import Measure

_CHUNK = 1024


def ranks(queries: np.ndarray, answers: np.ndarray, texts: Sequence[str]) -> np.ndarray:
    """The rank [N] of each query's answer, from 1; `queries` and `answers` [N, D] are of length 1.

    Answers of equal text are one candidate. A candidate that scores the same as the right one stands
    before it, so vectors that are all equal retrieve nothing.
    """
    _, places, own = np.unique(np.asarray(texts, dtype=object), return_index=True, return_inverse=True)
    candidates = answers[places].T
    found = []
    for start in range(0, len(queries), _CHUNK):
        scores = queries[start : start + _CHUNK] @ candidates
        right = np.take_along_axis(scores, own[start : start + _CHUNK, None], 1)
        found.append((scores >= right).sum(1))
    return np.concatenate(found)


def accuracy_at(found: np.ndarray, places: int) -> Measure:
    """The share of queries whose answer is among the first `places`."""
    return measured(
        f"accuracy@{places}", column(found), lambda records: float((records[:, 0] <= places).mean())
    )


def mean_reciprocal_rank(found: np.ndarray) -> Measure:
    """The mean of 1/rank (Voorhees 1999)."""
    return measured("mrr", column(found), lambda records: float((1 / records[:, 0]).mean()))


def ndcg_at(found: np.ndarray, places: int) -> Measure:
    """The mean of 1/log2(1 + rank) of the answers among the first `places`, 0 for others.

    The normalized discounted cumulative gain where each query has one answer (Järvelin and Kekäläinen 2002).
    """

    def gain(records: np.ndarray) -> float:
        ranked = records[:, 0]
        return float(np.where(ranked <= places, 1 / np.log2(1 + ranked), 0.0).mean())

    return measured(f"ndcg@{places}", column(found), gain)
