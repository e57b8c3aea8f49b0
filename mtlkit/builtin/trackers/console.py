"""The console: a progress bar on a terminal, a plain line now and then elsewhere."""

import sys
import time
from pathlib import Path

from mtlkit.builtin.trackers.options import ConsoleOptions
from mtlkit.contracts.events import (
    Activity,
    Evaluated,
    Event,
    PhaseStarted,
    Resumed,
    RunStarted,
    Skipped,
    StepDone,
    StoppedEarly,
    Warned,
)
from mtlkit.contracts.shown import one_line


class ConsoleTracker:
    """Shows where the run is on standard error; standard output stays for results."""

    def __init__(self, options: ConsoleOptions, _run_dir: Path) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self._console = Console(file=sys.stderr, highlight=False)
        self._seconds = options.seconds
        self._spoke = time.monotonic()
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}", markup=False),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )
        self._bar.start()
        self._total = 0
        self._steps = self._bar.add_task("training", total=None, note="")
        self._activities = {"": self._steps}

    def receive(self, event: Event) -> None:
        """Show one event."""
        if isinstance(event, RunStarted):
            self._total = event.steps
            self._bar.update(self._steps, total=event.steps)
        elif isinstance(event, Resumed):
            self._total = event.steps
            self._bar.update(self._steps, total=event.steps, completed=event.step)
            self._say(f"goes on after step {event.step}, from {event.path}")
            for warning in event.warnings:
                self._say(f"warning: {warning}")
        elif isinstance(event, StepDone):
            losses = "  ".join(f"{task} {loss:.3f}" for task, loss in event.losses.items())
            self._bar.update(self._steps, completed=event.step, note=losses)
            self._seldom(f"step {event.step}/{self._total}  loss {losses}")
        elif isinstance(event, Activity):
            self._show_activity(event)
        elif isinstance(event, PhaseStarted):
            sets = f"{event.trainable} weights train, {event.frozen} frozen"
            self._say(f"{event.phase}: steps {event.step}–{event.end}, {sets}")
        elif isinstance(event, Evaluated) and event.purpose == "progress":
            metrics = "  ".join(f"{name} {value:.3f}" for name, value in event.metrics.items())
            self._say(f"step {event.step}: {event.split}  {metrics}")
        elif isinstance(event, StoppedEarly):
            self._say(f"stopped early after step {event.step} of {event.steps}: {event.reason}")
        elif isinstance(event, Skipped):
            self._say(f"warning: skipped: {event.reason}")
        elif isinstance(event, Warned):
            self._say(f"warning: {event.message}")

    def close(self) -> None:
        """Take the bar away."""
        self._bar.stop()

    def _show_activity(self, event: Activity) -> None:
        if event.what not in self._activities:
            self._activities[event.what] = self._bar.add_task(event.what, total=event.total, note="")
        done = event.done >= event.total
        self._bar.update(self._activities[event.what], completed=event.done, visible=not done)
        self._seldom(f"{event.what}: {event.done}/{event.total} rows")

    def _say(self, line: str) -> None:
        self._console.print(one_line(line), markup=False, soft_wrap=True)

    def _seldom(self, line: str) -> None:
        if not self._console.is_terminal and time.monotonic() - self._spoke > self._seconds:
            self._spoke = time.monotonic()
            self._say(line)
