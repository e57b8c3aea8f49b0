"""Metrics of several numbers for each row: the mean over the targets, each over its known rows.

Shapes: N rows of an evaluation set, K targets.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mtlkit.builtin.metrics.choice import of_numbers
from mtlkit.builtin.metrics.measured import measured
from mtlkit.builtin.metrics.names import NumberMetric
from mtlkit.contracts.head import Measure


def of_several_numbers(
    chosen: Sequence[NumberMetric], predicted: np.ndarray, gold: np.ndarray
) -> tuple[Measure, ...]:
    """The metrics chosen; `predicted` and `gold` [N, K] are the records side by side, NaN in `gold` missing.

    A target without any known row is left out of the mean.
    """
    return tuple(_measure(name, np.concatenate([predicted, gold], 1)) for name in chosen)


def _measure(name: NumberMetric, records: np.ndarray) -> Measure:
    def mean(some: np.ndarray) -> float:
        predicted, gold = np.split(some, 2, axis=1)
        values = [_value(name, mine, theirs) for mine, theirs in zip(predicted.T, gold.T, strict=True)]
        return float(np.mean([value for value in values if value is not None]))

    (one,) = of_numbers((name,), np.zeros(1), np.zeros(1))
    return measured(name, records, mean, higher_is_better=one.higher_is_better)


def _value(name: NumberMetric, predicted: np.ndarray, gold: np.ndarray) -> float | None:
    known = ~np.isnan(gold)
    if not known.any():
        return None
    (one,) = of_numbers((name,), predicted[known], gold[known])
    return float(one.compute(one.records))
