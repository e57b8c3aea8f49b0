"""Evaluation: predictions of every held-out row, metrics over them, bootstrap intervals."""

from collections.abc import Iterator, Mapping, Sequence
from math import isfinite, nan
from typing import Any

import numpy as np
import torch
from attrs import frozen

from mtlkit.contracts.head import Measure
from mtlkit.contracts.rows import SplitName
from mtlkit.engine.apply import set_eval
from mtlkit.engine.features import Encoder
from mtlkit.engine.heads import Readers
from mtlkit.engine.model import Model
from mtlkit.engine.order import length_chunks
from mtlkit.engine.rows import Rows
from mtlkit.engine.seeds import derive
from mtlkit.engine.spans import spanned
from mtlkit.errors import blaming, returned

BATCH_ROWS = 64
RESAMPLES = 1000
CONFIDENCE = 0.95


@frozen
class Score:
    """A metric with its 95 % bootstrap interval over `rows` records."""

    value: float
    low: float
    high: float
    rows: int
    higher_is_better: bool


@spanned("evaluation")
def measures(
    model: Model, readers: Sequence[Readers], encoder: Encoder, data: Mapping[str, Rows], split: SplitName
) -> dict[str, Measure]:
    """`TASK/METRIC` → measure, for every task that has labelled rows in the split.

    Leaves the model in eval mode: the caller sets the modes of its phase again.
    """
    set_eval(model)
    found: dict[str, Measure] = {}
    for reading in readers:
        records = data[reading.source].all(split)
        if not records:
            continue
        predictions = predicted(reading, encoder, split, len(records), changing=True)
        for task, head in reading.heads.items():
            with blaming(f"the head of task {task!r}", "metrics"):
                measured = [
                    returned(each, Measure, f"the head of task {task!r}", "metrics")
                    for each in head.metrics(predictions[task], records)
                ]
            found |= {f"{task}/{measure.name}": measure for measure in measured}
    return found


@spanned("evaluation")
def values(found: Mapping[str, Measure]) -> dict[str, float]:
    """The bare values of measures."""
    return {name: float(measure.compute(measure.records)) for name, measure in found.items()}


def not_finite(metrics: Mapping[str, float], step: int, split: str) -> Iterator[str]:
    """What there is to warn of: metrics that are NaN or infinite, with their task."""
    for name, value in metrics.items():
        if not isfinite(value):
            task, _, metric = name.partition("/")
            yield (
                f"the metric {metric!r} of task {task!r} is {value} on {split} rows after step {step}; "
                "no evaluation is selected by such a value"
            )


@spanned("evaluation")
def scores(found: Mapping[str, Measure], seed: int) -> dict[str, Score]:
    """Values with intervals, the same for the same seed."""
    return {name: _score(measure, derive(seed, "bootstrap", name)) for name, measure in found.items()}


def predicted(
    reading: Readers, encoder: Encoder, split: SplitName, rows: int, *, changing: bool = False
) -> dict[str, list[Any]]:
    """One prediction per row and task, in row order, computed in batches of like length.

    The modules must be in eval mode. `changing` lets heads that change their rows do so, as a metric needs.
    """
    found: dict[str, list[Any]] = {task: [None] * rows for task in reading.heads}
    with torch.no_grad():
        for chunk in reversed(length_chunks(reading.lengths(encoder, split), BATCH_ROWS)):  # for less memory
            seed = _seed(chunk) if changing else None
            outputs = reading.outputs(encoder, reading.take(encoder, split, chunk, seed=seed))
            for task, head in reading.heads.items():
                with blaming(f"the head of task {task!r}", "decode"):
                    decoded = list(zip(chunk, head.decode(outputs[task].float()), strict=True))
                for row, prediction in decoded:
                    found[task][row] = prediction
    return found


def _score(measure: Measure, seed: int) -> Score:
    """Percentile bootstrap over rows (Efron 1979); no interval where some samples have no finite value."""
    value = float(measure.compute(measure.records))
    rows = len(measure.records)
    if rows < 2 or not isfinite(value):
        return Score(value, value, value, rows, measure.higher_is_better)
    # Drawn as scipy.stats.bootstrap draws, which takes half a second to import.
    rng = np.random.default_rng(seed)
    drawn = (rng.integers(0, rows, rows) for _ in range(RESAMPLES))
    resampled = np.asarray([measure.compute(measure.records[numbers]) for numbers in drawn], dtype=float)
    tail = 50 * (1 - CONFIDENCE)
    low, high = np.percentile(resampled, (tail, 100 - tail)) if np.isfinite(resampled).all() else (nan, nan)
    return Score(value, float(low), float(high), rows, measure.higher_is_better)


def _seed(positions: Sequence[int]) -> int:
    """What heads that change their rows draw from in evaluation: the same every time."""
    return derive(0, "evaluation", *positions)
