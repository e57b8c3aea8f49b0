"""When a metric has stopped getting better: pure functions of the metric log."""

from collections.abc import Sequence
from math import isnan
from typing import Literal

from mtlkit.contracts.progress import Progress

Mode = Literal["max", "min"]
Evaluations = Sequence[tuple[int, float]]

METRIC = "the metric to watch, TASK/NAME"
PATIENCE = "evaluations in a row without a new best that make a plateau"
MIN_DELTA = "by how much a new best must be better"
MODE = "whether more or less is better"


def check_metric(metric: str) -> None:
    """Check that the text is TASK/NAME.

    Raises:
        ValueError: when it is not.
    """
    task, _, name = metric.partition("/")
    if not task or not name:
        raise ValueError(f"metric is {metric!r}; write TASK/NAME, such as sentiment/accuracy")


def task_of(metric: str) -> str:
    """The task of TASK/NAME."""
    return metric.partition("/")[0]


def evaluations(progress: Progress, metric: str, mode: Mode = "max") -> Evaluations:
    """Step and value of every evaluation of the metric so far, oldest first.

    NaN is no evaluation, and several values of one step are one: the best of them, so that the order of the
    log does not matter.
    """
    better = max if mode == "max" else min
    found: dict[int, float] = {}
    for entry in progress.metrics:
        if entry.metric == metric and entry.step <= progress.step and not isnan(entry.value):
            found[entry.step] = better(found.get(entry.step, entry.value), entry.value)
    return sorted(found.items())


def plateaus(
    values: Evaluations, patience: int, min_delta: float = 0.0, mode: Mode = "max", after: int = 0
) -> tuple[int, ...]:
    """The steps of the evaluations at which the metric had stopped getting better.

    A plateau is reached with the `patience`-th evaluation in a row that does not beat the best so far by more
    than `min_delta`; then the count starts again, and the best stays. An evaluation up to step `after` is
    part of what has to be beaten, but is not counted.
    """
    reached = []
    best: float | None = None
    since_best = 0
    for step, value in values:
        if best is None or _beats(value, best, min_delta, mode):
            best, since_best = value, 0
        elif step > after:
            since_best += 1
            if since_best == patience:
                reached.append(step)
                since_best = 0
    return tuple(reached)


def _beats(value: float, best: float, min_delta: float, mode: Mode) -> bool:
    return value > best + min_delta if mode == "max" else value < best - min_delta
