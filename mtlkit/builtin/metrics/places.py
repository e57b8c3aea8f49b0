"""F1 of labels at several places of each row, such as its words or the spans that it names.

Shapes: N rows of an evaluation set, C labels. Records [N, 3C] are how often each label is right, predicted
and gold in a row.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from functools import partial

import numpy as np

from mtlkit.builtin.metrics.f1 import Average, macro, micro, weighted
from mtlkit.builtin.metrics.measured import measured
from mtlkit.builtin.metrics.names import PlaceMetric
from mtlkit.contracts.head import Measure

Places = Sequence[Sequence[Collection[str] | None]]
"""The labels at each place of each row."""


AVERAGES: Mapping[PlaceMetric, Average] = {"micro-f1": micro, "macro-f1": macro, "weighted-f1": weighted}


def of_places(
    chosen: Sequence[PlaceMetric], predicted: Places, gold: Places, names: Sequence[str]
) -> tuple[Measure, ...]:
    """F1 of all labels of all places together, or the mean of that of the labels; `names` are the head's.

    A place of which gold is None counts nothing, and one of which nothing was predicted is missed.
    """
    records = place_records(predicted, gold, names)
    return tuple(measured(name, records, partial(_f1, average=AVERAGES[name])) for name in chosen)


def place_records(predicted: Places, gold: Places, names: Sequence[str]) -> np.ndarray:
    """The records [N, 3C]; labels are those of `names`, then all others in the order of the alphabet."""
    counts = [_counts(mine, theirs) for mine, theirs in zip(predicted, gold, strict=True)]
    others = sorted({name for row in counts for each in row for name in each} - set(names))
    all_names = [*names, *others]
    numbers = [[each[name] for each in row for name in all_names] for row in counts]
    return np.asarray(numbers, np.float64).reshape(-1, 3 * len(all_names))


def _counts(
    mine: Sequence[Collection[str] | None], theirs: Sequence[Collection[str] | None]
) -> tuple[Counter[str], Counter[str], Counter[str]]:
    right, predicted, gold = Counter[str](), Counter[str](), Counter[str]()
    for labels, wanted in zip(mine, theirs, strict=True):
        if wanted is None:
            continue
        found, known = set(labels or ()), set(wanted)
        right.update(found & known)
        predicted.update(found)
        gold.update(known)
    return right, predicted, gold


def _f1(records: np.ndarray, average: Average) -> float:
    right, predicted, gold = np.split(records.sum(0), 3)
    return average(right, predicted, gold)
