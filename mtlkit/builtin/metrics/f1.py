"""F1 of classes: macro, micro and weighted means.

F1 of a class is 2·tp / (predicted + gold). Shapes: N rows of an evaluation set, C classes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from mtlkit.builtin.metrics.classes import class_records
from mtlkit.builtin.metrics.measured import measured, ratio
from mtlkit.contracts.head import Measure

Average = Callable[[np.ndarray, np.ndarray, np.ndarray], float]


def macro_f1(predicted: Sequence[str], gold: Sequence[str], names: Sequence[str] = ()) -> Measure:
    """The unweighted mean over the classes that occur, predicted or gold (as scikit-learn's).

    Records [N, 2] are the class numbers predicted and gold.
    """
    return _f1("macro-f1", class_records(predicted, gold, names), macro)


def micro_f1(predicted: Sequence[str], gold: Sequence[str], names: Sequence[str] = ()) -> Measure:
    """F1 of all decisions together, which is the accuracy where each row has one class; records as macro."""
    return _f1("micro-f1", class_records(predicted, gold, names), micro)


def weighted_f1(predicted: Sequence[str], gold: Sequence[str], names: Sequence[str] = ()) -> Measure:
    """The mean over the classes, weighted by how often each is right; records as macro."""
    return _f1("weighted-f1", class_records(predicted, gold, names), weighted)


def macro(right: np.ndarray, predicted: np.ndarray, gold: np.ndarray) -> float:
    """The mean F1 of the classes that occur; 0 where none does. All arguments are counts [C]."""
    named = predicted + gold
    occurring = named > 0
    return float((2 * right[occurring] / named[occurring]).mean()) if occurring.any() else 0.0


def micro(right: np.ndarray, predicted: np.ndarray, gold: np.ndarray) -> float:
    """F1 of the summed counts [C]; 0 where nothing is predicted nor gold."""
    return ratio(2 * right.sum(), predicted.sum() + gold.sum())


def weighted(right: np.ndarray, predicted: np.ndarray, gold: np.ndarray) -> float:
    """The mean F1 of classes, each with the weight of its gold count [C]; 0 where nothing is gold."""
    each = 2 * right / np.maximum(predicted + gold, 1)
    return ratio((each * gold).sum(), gold.sum())


def _f1(name: str, numbered: tuple[np.ndarray, int], average: Average) -> Measure:
    records, classes = numbered
    return measured(name, records, partial(_computed, classes=classes, average=average))


def _computed(records: np.ndarray, classes: int, average: Average) -> float:
    predicted, gold = records.T
    right = np.bincount(gold[predicted == gold], minlength=classes)
    return average(right, np.bincount(predicted, minlength=classes), np.bincount(gold, minlength=classes))
