"""Classes as numbers: the records of metrics of one class for each row.

Shapes: N rows of an evaluation set, C classes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def class_records(
    predicted: Sequence[str], gold: Sequence[str], names: Sequence[str] = ()
) -> tuple[np.ndarray, int]:
    """Records [N, 2] of the class numbers predicted and gold, and how many classes there are.

    Numbers follow `names`, then the alphabet: records of several batches may be concatenated where `names`
    has all classes.
    """
    others = sorted({*predicted, *gold} - set(names))
    numbers = {name: number for number, name in enumerate([*names, *others])}
    sides = [[numbers[name] for name in side] for side in (predicted, gold)]
    return np.asarray(sides, np.int64).reshape(2, -1).T, len(numbers)


def confusion(records: np.ndarray, classes: int) -> np.ndarray:
    """How often [C, C] each class was predicted (column) where each class was right (row)."""
    predicted, gold = records.T
    return np.bincount(gold * classes + predicted, minlength=classes * classes).reshape(classes, classes)


def class_scores(predicted: Sequence[str], names: Sequence[str]) -> np.ndarray:
    """The scores [N, C] that predictions carry (`ScoredLabel`); without, 1 for the label and 0 for others."""
    return np.asarray([_row(label, names) for label in predicted], np.float64).reshape(-1, len(names))


def _row(label: str, names: Sequence[str]) -> list[float]:
    scores = getattr(label, "scores", None) or {str(label): 1.0}
    return [float(scores.get(name, 0.0)) for name in names]
