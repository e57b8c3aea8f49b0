"""Area under the ROC curve: how often a row of a class scores higher for it than a row of another one.

Shapes: N rows of an evaluation set, C classes.
"""

from __future__ import annotations

import numpy as np

from mtlkit.builtin.metrics.measured import measured
from mtlkit.contracts.head import Measure

CHANCE = 0.5


def auroc(scores: np.ndarray, gold: np.ndarray) -> Measure:
    """The mean over classes, each against the rest; `scores` and `gold` [N, C], 1 where right, NaN missing.

    For two classes whose scores add up to 1 this is the area of either. Records [N, 2C] are scores and
    gold. A class with only right or only wrong rows is left out; 0.5, chance, where all are.
    """
    records = np.concatenate([scores, gold], 1).astype(np.float64)
    return measured("auroc", records, _macro)


def _macro(records: np.ndarray) -> float:
    scores, gold = np.split(records, 2, axis=1)
    areas = [_area(scores[:, at], gold[:, at]) for at in range(scores.shape[1])]
    defined = [area for area in areas if area is not None]
    return float(np.mean(defined)) if defined else CHANCE


def _area(scores: np.ndarray, gold: np.ndarray) -> float | None:
    """Mann and Whitney's U over its largest value, ties half (Hanley and McNeil 1982)."""
    from scipy.stats import rankdata

    known = ~np.isnan(gold)
    right = gold[known] == 1
    rights, wrongs = int(right.sum()), int((~right).sum())
    if not rights or not wrongs:
        return None
    above = rankdata(scores[known])[right].sum() - rights * (rights + 1) / 2
    return float(above / (rights * wrongs))
