"""Retrieval of each query's own answer among all answers of the evaluation set.

Shapes: N queries, U distinct answers, D size of the vectors.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

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


def accuracy_at_1(found: np.ndarray) -> Measure:
    """The share of queries whose answer comes first; records [N, 1] are ranks."""
    return Measure("accuracy@1", found[:, None], lambda records: float((records[:, 0] == 1).mean()))


def mean_reciprocal_rank(found: np.ndarray) -> Measure:
    """The mean of 1/rank (Voorhees 1999); records [N, 1] are ranks."""
    return Measure("mrr", found[:, None], lambda records: float((1 / records[:, 0]).mean()))
