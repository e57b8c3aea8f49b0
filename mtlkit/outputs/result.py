"""The result of a run, made from its events alone."""

from collections.abc import Callable, Mapping, Sequence
from math import nan
from pathlib import Path
from typing import Any

from attrs import define, field, frozen

from mtlkit.contracts.data import Record
from mtlkit.contracts.events import (
    Evaluated,
    Event,
    FrozenChecked,
    Resumed,
    RunEnded,
    Selected,
    Skipped,
    Stopped,
    StoppedEarly,
    Warned,
)


@frozen
class Metric:
    """A final value, its 95 % bootstrap interval, the same metric of the untrained start, and rows."""

    value: float
    low: float
    high: float
    start: float
    rows: int


@frozen
class Best:
    """The best evaluation on validation rows: its step, what was measured and how well.

    `path` is the checkpoint that is kept for it, relative to the run directory, empty where none is.
    """

    step: int
    metric: str
    score: float
    path: str


@frozen
class Result:
    """What a run ended with; `frozen` is "unchanged", because anything else is an error.

    `best` has the best evaluation of each task by its primary metric, and that of the run, where there is a
    selection, under the empty name. `early` says why the run ended before its length, empty where it did not.
    """

    run_dir: Path
    steps: int
    split: str
    metrics: Mapping[str, Metric]
    frozen: str
    warnings: tuple[str, ...]
    best: Mapping[str, Best]
    early: str
    _open: Callable[[], Any] = field(repr=False, eq=False)

    def predict(self, task: str, rows: Sequence[Record]) -> list[Any]:
        """The task's prediction for each row; for more than one call, `mtlkit.open_run` the `run_dir` once.

        Raises:
            UsageError: when there is no such task.
            DataError: when a row lacks a column that the task reads.
        """
        found: list[Any] = self._open().predict(task, rows)
        return found


@define
class Collector:
    """Keeps of the events what the result is made of."""

    start: Mapping[str, float] = field(factory=dict)
    final: Evaluated | None = None
    ended: RunEnded | None = None
    stopped: Stopped | None = None
    checks: int = 0
    warnings: list[str] = field(factory=list)
    best: dict[str, Best] = field(factory=dict)
    early: str = ""

    def receive(self, event: Event) -> None:
        """Take one event."""
        if isinstance(event, Evaluated) and event.purpose == "start":
            self.start = event.metrics
        elif isinstance(event, Evaluated) and event.purpose == "final":
            self.final = event
        elif isinstance(event, Selected):
            self.best[event.of] = Best(event.step, event.metric, event.score, event.path)
        elif isinstance(event, StoppedEarly):
            self.early = event.reason
        elif isinstance(event, FrozenChecked):
            self.checks += 1
        elif isinstance(event, Warned):
            self.warnings.append(event.message)
        elif isinstance(event, Skipped):
            self.warnings.append(f"skipped: {event.reason}")
        elif isinstance(event, Resumed):
            self.warnings += event.warnings
        elif isinstance(event, Stopped):
            self.stopped = event
        elif isinstance(event, RunEnded):
            self.ended = event

    def result(self, run_dir: Path, opened: Callable[[], Any]) -> Result:
        """The result of a run that reached its end; `opened` opens it, to predict."""
        final = self.final
        metrics = (
            {
                name: Metric(
                    value,
                    final.low.get(name, nan),
                    final.high.get(name, nan),
                    self.start.get(name, nan),
                    final.rows.get(name, 0),
                )
                for name, value in (final.metrics.items() if final else ())
            }
            if final
            else {}
        )
        return Result(
            run_dir=run_dir,
            steps=self.ended.step if self.ended else 0,
            split=final.split if final else "",
            metrics=metrics,
            frozen="unchanged" if self.checks else "unchecked",
            warnings=tuple(self.warnings),
            best=dict(self.best),
            early=self.early,
            open=opened,
        )
