"""Matthews' correlation coefficient of classes.

Shapes: N rows of an evaluation set.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

import numpy as np

from mtlkit.builtin.metrics.classes import class_records, confusion
from mtlkit.builtin.metrics.measured import measured, ratio
from mtlkit.contracts.head import Measure


def mcc(predicted: Sequence[str], gold: Sequence[str], names: Sequence[str] = ()) -> Measure:
    """The correlation of predicted and right classes (Gorodkin 2004, equation 8); records [N, 2] as macro F1.

    0 where all predictions, or all right classes, are the same.
    """
    records, classes = class_records(predicted, gold, names)
    return measured("mcc", records, lambda chosen: _mcc(confusion(chosen, classes)))


def _mcc(counts: np.ndarray) -> float:
    predicted, gold = counts.sum(0).astype(float), counts.sum(1).astype(float)
    total = predicted.sum()
    spread = (total**2 - predicted @ predicted) * (total**2 - gold @ gold)
    return ratio(np.trace(counts) * total - predicted @ gold, sqrt(spread))
