"""Macro F1: the mean of the classes' F1.

Shapes: N rows of an evaluation set, C classes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mtlkit.contracts.head import Measure


def macro_f1(predicted: Sequence[str], gold: Sequence[str]) -> Measure:
    """The unweighted mean of F1 = 2·tp / (predicted + gold) over the classes that occur (as scikit-learn's).

    Records [N, 2] are the class numbers predicted and gold.
    """
    numbers = {name: number for number, name in enumerate(sorted({*predicted, *gold}))}
    records = np.asarray([[numbers[name] for name in side] for side in (predicted, gold)]).T
    return Measure("macro-f1", records, lambda chosen: _macro(chosen, len(numbers)))


def _macro(records: np.ndarray, classes: int) -> float:
    predicted, gold = records.T
    right = np.bincount(gold[predicted == gold], minlength=classes)
    named = np.bincount(predicted, minlength=classes) + np.bincount(gold, minlength=classes)
    occurring = named > 0
    return float((2 * right[occurring] / named[occurring]).mean())
