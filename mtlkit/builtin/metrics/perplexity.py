"""Perplexity of a language model: e to the mean loss of its tokens.

Shapes: N rows of an evaluation set.
"""

from __future__ import annotations

from math import exp

import numpy as np

from mtlkit.builtin.metrics.measured import measured, ratio
from mtlkit.contracts.head import Measure

LARGEST = 700.0


def perplexity(losses: np.ndarray, tokens: np.ndarray) -> Measure:
    """exp(Σ loss / Σ tokens); records [N, 2] are a row's loss, summed in nats, and its tokens.

    Lower is better. 1 where there is no token; a mean loss above 700 counts as 700, so that it is a number.
    """
    records = np.stack([losses, tokens], 1).astype(np.float64)
    return measured("perplexity", records, _perplexity, higher_is_better=False)


def _perplexity(records: np.ndarray) -> float:
    loss, tokens = records.sum(0)
    return exp(min(ratio(loss, tokens), LARGEST))
