"""Metrics of any number of labels for each row; a label that is not known counts nothing.

Shapes: N rows of an evaluation set, C labels. `predicted` [N, C] is 1 for predicted labels, `gold` [N, C]
1 for right ones, NaN where it is not known. Records [N, 2C] are both.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from mtlkit.builtin.metrics.f1 import Average, macro, micro, weighted
from mtlkit.builtin.metrics.measured import measured, ratio
from mtlkit.contracts.head import Measure


def label_macro_f1(predicted: np.ndarray, gold: np.ndarray) -> Measure:
    """The mean of F1 = 2·tp / (predicted + gold) over the labels that occur; 0 where none does."""
    return measured("macro-f1", _records(predicted, gold), partial(_f1, average=macro))


def label_micro_f1(predicted: np.ndarray, gold: np.ndarray) -> Measure:
    """F1 of all decisions together; 0 where nothing is predicted nor right."""
    return measured("micro-f1", _records(predicted, gold), partial(_f1, average=micro))


def label_weighted_f1(predicted: np.ndarray, gold: np.ndarray) -> Measure:
    """The mean of F1 over labels, weighted by how often each is right."""
    return measured("weighted-f1", _records(predicted, gold), partial(_f1, average=weighted))


def subset_accuracy(predicted: np.ndarray, gold: np.ndarray) -> Measure:
    """The share of rows of which every known label is right."""
    return measured("subset-accuracy", _records(predicted, gold), _subset)


def label_accuracy(predicted: np.ndarray, gold: np.ndarray) -> Measure:
    """The share of known labels that are right, one minus the Hamming loss; 0 where none is known."""
    return measured("label-accuracy", _records(predicted, gold), _each)


def _records(predicted: np.ndarray, gold: np.ndarray) -> np.ndarray:
    return np.concatenate([predicted, gold], 1).astype(np.float64)


def _sides(records: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Predicted, right and known [N, C]; what is not known is neither predicted nor right."""
    predicted, gold = np.split(records, 2, axis=1)
    known = ~np.isnan(gold)
    return (predicted == 1) & known, gold == 1, known


def _f1(records: np.ndarray, average: Average) -> float:
    predicted, gold, _ = _sides(records)
    return average((predicted & gold).sum(0), predicted.sum(0), gold.sum(0))


def _subset(records: np.ndarray) -> float:
    predicted, gold, _ = _sides(records)
    return float((predicted == gold).all(1).mean())


def _each(records: np.ndarray) -> float:
    predicted, gold, known = _sides(records)
    return ratio(((predicted == gold) & known).sum(), known.sum())
