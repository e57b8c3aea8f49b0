"""What may end a phase: a length, a plateau, a threshold, and all or any of several.

    until = "2ep"                                              counted from the start of the run
    until = { lasts = "2ep" }                                  counted from the start of the phase
    until = { metric = "news/accuracy", patience = 3 }         a plateau
    until = { metric = "news/accuracy", threshold = 0.8 }      a threshold
    until = { any = ["5ep", { metric = "news/accuracy", patience = 3 }] }
    until = { any = [{ all = [{ lasts = "1ep" }, { metric = "news/accuracy", patience = 3 }] }, "5ep"] }

Each says at which step it came true, at or after the start of the phase; what came true stays so.
"""

from collections.abc import Iterator
from typing import Annotated, Literal

from annotated_types import Ge
from attrs import frozen

from mtlkit.builtin.freeze.plateau import (
    METRIC,
    MIN_DELTA,
    MODE,
    PATIENCE,
    Mode,
    check_metric,
    evaluations,
    plateaus,
)
from mtlkit.contracts.duration import Duration
from mtlkit.contracts.options import option
from mtlkit.contracts.progress import Progress


@frozen
class Lasts:
    """True after that much training in the phase."""

    lasts: Duration = option("how long the phase lasts")

    def __attrs_post_init__(self) -> None:
        if self.lasts.amount <= 0:
            raise ValueError(f"lasts is '{self.lasts}'; a phase must last longer than nothing")


@frozen
class OnPlateau:
    """True once a metric has stopped getting better, in evaluations after the start of the phase.

    What has to be beaten is the best of the whole run.
    """

    metric: str = option(METRIC)
    patience: Annotated[int, Ge(1)] = option(PATIENCE, unit="evaluations")
    min_delta: Annotated[float, Ge(0)] = option(MIN_DELTA, 0.0)
    mode: Mode = option(MODE, "max")

    def __attrs_post_init__(self) -> None:
        check_metric(self.metric)


@frozen
class OnMetric:
    """True once a metric is at the threshold or beyond, in an evaluation after the start of the phase."""

    metric: str = option(METRIC)
    threshold: float = option("the value to reach")
    when: Literal["above", "below"] = option("from which side the metric counts as beyond it", "above")

    def __attrs_post_init__(self) -> None:
        check_metric(self.metric)


Single = Duration | Lasts | OnPlateau | OnMetric


@frozen
class AllOf:
    """True once each of them has been true."""

    all: tuple[Single, ...] = option("conditions that must all have come true")

    def __attrs_post_init__(self) -> None:
        if not self.all:
            raise ValueError("all is empty; write at least one condition")


@frozen
class AnyOf:
    """True once one of them is true."""

    any: tuple[Single | AllOf, ...] = option("conditions of which one must come true")

    def __attrs_post_init__(self) -> None:
        if not self.any:
            raise ValueError("any is empty; write at least one condition")


Until = Single | AllOf | AnyOf


def came_true(until: Until, start: int, progress: Progress) -> int | None:
    """The step at which a condition of a phase that began at step `start` came true; None: not yet.

    The answer never changes once it is not None, and it is from `start` to `progress.step`.
    """
    if isinstance(until, AllOf):
        ends = [came_true(each, start, progress) for each in until.all]
        known = [end for end in ends if end is not None]
        return max(known) if len(known) == len(ends) else None
    if isinstance(until, AnyOf):
        return min(
            (end for each in until.any if (end := came_true(each, start, progress)) is not None), default=None
        )
    if isinstance(until, OnPlateau):
        values = evaluations(progress, until.metric, until.mode)
        return next(iter(plateaus(values, until.patience, until.min_delta, until.mode, after=start)), None)
    if isinstance(until, OnMetric):
        return _crossed(until, start, progress)
    end = start + progress.steps(until.lasts) if isinstance(until, Lasts) else progress.steps(until)
    return max(start, end) if end <= progress.step else None


def _crossed(until: OnMetric, start: int, progress: Progress) -> int | None:
    above = until.when == "above"
    for step, value in evaluations(progress, until.metric, "max" if above else "min"):
        if step > start and (value >= until.threshold if above else value <= until.threshold):
            return step
    return None


def metrics_in(until: Until) -> tuple[str, ...]:
    """The metrics that a condition watches, each once."""
    return tuple(dict.fromkeys(_metrics(until)))


def _metrics(until: Until) -> Iterator[str]:
    if isinstance(until, OnPlateau | OnMetric):
        yield until.metric
    parts = until.all if isinstance(until, AllOf) else until.any if isinstance(until, AnyOf) else ()
    for part in parts:
        yield from _metrics(part)
