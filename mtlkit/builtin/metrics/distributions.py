"""How far predicted distributions are from the right ones.

Shapes: N rows of an evaluation set, C classes. `predicted` and `gold` [N, C] are probabilities.
"""

from __future__ import annotations

import numpy as np

from mtlkit.builtin.metrics.measured import column, mean, measured
from mtlkit.contracts.head import Measure


def kl_divergence(predicted: np.ndarray, gold: np.ndarray) -> Measure:
    """The mean of Σ g · log(g / p), in nats (Kullback and Leibler 1951). Lower is better.

    A predicted probability counts as at least 1e-12.
    """
    from scipy.special import rel_entr

    found = rel_entr(gold, np.maximum(predicted, 1e-12)).sum(-1)
    return measured("kl-divergence", column(found), mean, higher_is_better=False)


def js_divergence(predicted: np.ndarray, gold: np.ndarray) -> Measure:
    """The mean of ½ KL(g ‖ m) + ½ KL(p ‖ m) with m = (g + p) / 2, in nats (Lin 1991). Lower is better."""
    from scipy.special import rel_entr

    middle = (predicted + gold) / 2
    found = (rel_entr(gold, middle) + rel_entr(predicted, middle)).sum(-1) / 2
    return measured("js-divergence", column(found), mean, higher_is_better=False)


def top_accuracy(predicted: np.ndarray, gold: np.ndarray) -> Measure:
    """The share of rows whose likeliest predicted class is one of the likeliest right ones."""
    best = predicted.argmax(-1)[:, None]
    right = np.take_along_axis(gold, best, 1)[:, 0] >= gold.max(-1)
    return measured("top-accuracy", column(right), mean)
