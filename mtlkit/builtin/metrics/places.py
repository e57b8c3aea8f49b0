"""F1 of labels at several places of each row, such as its words or the spans that it names.

Shapes: N rows of an evaluation set, C labels. Records [N, 3C] are how often each label is right, predicted
and gold in a row.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from functools import partial

import numpy as np

from mtlkit.builtin.metrics.f1 import Average, macro, micro
from mtlkit.builtin.metrics.measured import measured
from mtlkit.contracts.head import Measure

Places = Sequence[Sequence[Collection[str] | None]]
"""The labels at each place of each row."""


def place_micro_f1(predicted: Places, gold: Places, names: Sequence[str]) -> Measure:
    """F1 of all labels of all places together; a place of which gold is None counts nothing."""
    records = place_records(predicted, gold, names)
    return measured("micro-f1", records, partial(_f1, average=micro))


def place_macro_f1(predicted: Places, gold: Places, names: Sequence[str]) -> Measure:
    """The mean over the labels that occur of their F1 = 2·tp / (predicted + gold)."""
    records = place_records(predicted, gold, names)
    return measured("macro-f1", records, partial(_f1, average=macro))


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
