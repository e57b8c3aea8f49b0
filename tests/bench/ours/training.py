"""A run of a recipe through mtlkit's Python door, timed by its events."""

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from attrs import define, field

import mtlkit
from mtlkit.api import preview
from mtlkit.contracts.events import Activity, Event, StepDone
from mtlkit.plan.model import Plan
from tests.bench.ours.exported import limited


@define
class Clock:
    """Adds up the time that led to each kind of event, and the rows that steps took."""

    last: float = field(factory=time.perf_counter)
    spent: dict[str, float] = field(factory=dict)
    steps: list[float] = field(factory=list)
    rows: dict[str, int] = field(factory=dict)

    def hear(self, event: Event) -> None:
        """An event: what lies between it and the one before is its own."""
        now = time.perf_counter()
        kind = type(event).__name__
        self.spent[kind] = self.spent.get(kind, 0.0) + now - self.last
        if isinstance(event, StepDone):
            self.steps.append(now - self.last)
            for name, count in event.rows.items():
                self.rows[name] = self.rows.get(name, 0) + count
        self.last = now


def train(params: dict[str, Any]) -> dict[str, float]:
    """Run the recipe; `set` are overrides, `warm` the name of a store that is kept from turn to turn."""
    overrides = [f"training.length={params['epochs']}ep"]
    if params.get("steps"):
        overrides = [f"training.length={params['steps']}st"]
    with _store(params):
        plan = limited(params, *overrides)
        found, rows = _run(plan)
        if params.get("steps"):
            tokens = sum(length * rows.get(name, 0) for name, length in _mean_lengths(plan).items())
            found |= {"tokens": tokens, "tokens_per_second": tokens / found["seconds"]}
        return found


def _run(plan: Plan) -> tuple[dict[str, float], dict[str, int]]:
    clock = Clock()
    with TemporaryDirectory() as out:
        mtlkit.run(plan, out, on_event=clock.hear)
    seconds = clock.spent[StepDone.__name__] + clock.spent.get(Activity.__name__, 0.0)
    examples = sum(clock.rows.values())
    found = {
        "seconds": seconds,
        "step_seconds": clock.spent[StepDone.__name__],
        "examples": float(examples),
        "examples_per_second": examples / seconds,
        "steps": float(len(clock.steps)),
    }
    return found, clock.rows


def _mean_lengths(plan: Plan) -> dict[str, float]:
    """How many tokens a training row of each source has."""
    prepared = preview(plan)
    readers = {source.name: plan.readers(source.name) for source in plan.sources}
    found = {}
    for name, tasks in readers.items():
        rows = [
            tuple(row[column] for column in prepared.built.heads[tasks[0].name].views[0])
            for row in prepared.data[name].all("train")
        ]
        found[name] = sum(map(len, prepared.built.backbone.prepare(rows))) / len(rows)
    return found


@contextmanager
def _store(params: dict[str, Any]) -> Iterator[None]:
    """A store of this measurement's own, kept afterwards where it is to be warm."""
    name = params.get("warm") or f"cold-{os.getpid()}"
    folder = Path(params["scratch"]) / f"store-{name}"
    os.environ["MTLKIT_CACHE"] = str(folder)
    try:
        yield
    finally:
        if not params.get("warm"):
            shutil.rmtree(folder, ignore_errors=True)
