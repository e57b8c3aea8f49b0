"""How much vectors of different texts point in one direction.

Shapes: N rows of an evaluation set, D size of the vectors.
"""

from __future__ import annotations

import numpy as np

from mtlkit.builtin.metrics.measured import measured
from mtlkit.contracts.head import Measure


def anisotropy(vectors: np.ndarray) -> Measure:
    """The mean cosine of the vectors of two different rows, 0 of a single one. Lower is better.

    Ethayarajh 2019, arXiv:1909.00512, section 3.3. Records [N, D] are vectors of length 1.
    """
    return measured("anisotropy", np.asarray(vectors, np.float64), _mean_cosine, higher_is_better=False)


def _mean_cosine(records: np.ndarray) -> float:
    rows = len(records)
    total = np.square(records.sum(0)).sum() - np.square(records).sum()
    return float(total / max(rows * (rows - 1), 1))
