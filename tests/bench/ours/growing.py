"""How cost grows: with depth, tasks, examples and changes of what trains."""

import resource
import time
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import mtlkit
from mtlkit.api import preview
from mtlkit.contracts.events import Event, StepDone
from mtlkit.engine.apply import apply_rates, apply_trainable
from mtlkit.engine.session import Session, open_session
from mtlkit.engine.step import Cursors, rows_of_step, training_step
from mtlkit.plan.model import Plan
from mtlkit.plan.timeline import Moment
from tests.bench.ours import generated
from tests.bench.ours.exported import limited

CHANGES_STEPS = 200


def point(params: dict[str, Any]) -> dict[str, float]:
    """A run of `steps` steps of that many `blocks`, `tasks` and `examples`: before the steps, and a step."""
    sizes = {name: params[name] for name in ("blocks", "tasks", "examples") if name in params}
    with TemporaryDirectory(dir=params["scratch"]) as folder:
        recipe = generated.recipe(Path(folder), steps=params["steps"], **sizes)
        return _timed(mtlkit.plan(mtlkit.load(recipe)), Path(folder))


def changes(params: dict[str, Any]) -> dict[str, float]:
    """A run of 200 steps in which the trainable set changes that often."""
    every = max(1, CHANGES_STEPS // (params["changes"] + 1))
    freeze = f'freeze={{use="alternate", every="{every}st", sets=[["blocks"], ["embeddings"]]}}'
    with TemporaryDirectory(dir=params["scratch"]) as folder:
        recipe = generated.recipe(Path(folder), steps=CHANGES_STEPS)
        return _timed(mtlkit.plan(mtlkit.load(recipe, [freeze, "training.store.max_bytes=0"])), Path(folder))


def _timed(plan: Plan, folder: Path) -> dict[str, float]:
    stamps: list[float] = []

    def hear(event: Event) -> None:
        if isinstance(event, StepDone):
            stamps.append(time.perf_counter())

    began = time.perf_counter()
    preview(plan)
    planned = time.perf_counter()
    mtlkit.run(plan, folder / "runs", on_event=hear)
    steps = [after - before for before, after in zip(stamps, stamps[1:], strict=False)]
    return {
        "planning_ms": 1000 * (planned - began),
        "first_step_ms": 1000 * (stamps[0] - planned),
        "step_ms": 1000 * median(steps),
        "steps_ms": 1000 * sum(steps),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def calls(params: dict[str, Any]) -> dict[str, float]:
    """Planning, sampling, policy and rates of a step, each alone and all as a share of the step."""
    plan = limited(
        params, 'freeze={use="gradual-unfreeze", every="10%"}', 'lr.curve={use="linear", warmup="5%"}'
    )
    session = open_session(preview(plan))
    line, total = session.timeline, session.timeline.total
    moments, planning = _each(lambda: list(line.moments()), total)
    _, writing = _each(lambda: _written(session, moments), total)
    _, sampling = _each(lambda: _drawn(session, total), total)
    step = _step(session, params["steps"])
    return {
        "planning_ms": planning,
        "rates_ms": writing,
        "sampling_ms": sampling,
        "step_ms": step,
        "percent": 100 * (planning + writing + sampling) / step,
    }


def _each(call: Callable[[], Any], steps: int) -> tuple[Any, float]:
    """What a call returns, and its milliseconds by step."""
    began = time.perf_counter()
    found = call()
    return found, 1000 * (time.perf_counter() - began) / steps


def _written(session: Session, moments: Sequence[Moment]) -> None:
    for moment in moments:
        apply_rates(session.optimizer, moment.rates)


def _drawn(session: Session, total: int) -> None:
    cursors = Cursors()
    for step in range(total):
        for name, rows in rows_of_step(session, session.timeline.progress(step), cursors).items():
            cursors.taken[name] = cursors.taken.get(name, 0) + len(rows)


def _step(session: Session, steps: int) -> float:
    """Milliseconds of a step in which everything trains."""
    apply_trainable(session.handles, frozenset(session.built.table.names))
    cursors, times = Cursors(), []
    for moment in islice(session.timeline.moments(), steps):
        began = time.perf_counter()
        training_step(session, moment.progress, cursors)
        times.append(time.perf_counter() - began)
    return 1000 * median(times)
