"""Checkpoints: how long the loop waits for one, and what saving costs a run."""

import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import mtlkit
from mtlkit.api import preview
from mtlkit.contracts.events import Event, StepDone
from mtlkit.engine.session import open_session
from mtlkit.engine.snapshot import take
from mtlkit.engine.writing import Saver
from mtlkit.plan.model import Plan
from tests.bench.ours.bare import Bare
from tests.bench.ours.exported import limited

EVERY, SAVES = 4, 3


def waiting(params: dict[str, Any]) -> dict[str, float]:
    """Milliseconds that the loop waits for the copy, and until the copy is written and read back."""
    bare = Bare.of(open_session(preview(limited(params))))
    bare.step(0)
    waits, writes = [], []
    with TemporaryDirectory(dir=params["scratch"]) as out:
        saver = Saver(Path(out))
        for number in range(params["steps"]):
            began = time.perf_counter()
            saver.begin(take(bare.session.handles, bare.session.optimizer, number, spare=saver.spare()))
            waits.append(time.perf_counter() - began)
            saver.finish()
            writes.append(time.perf_counter() - began)
    return {"milliseconds": 1000 * median(waits), "ms_until_written": 1000 * median(writes)}


def course(params: dict[str, Any]) -> dict[str, float]:
    """What a save every 100 steps costs a run, in percent: a run with saves against the same run without."""
    steps = EVERY * (SAVES + 1)
    with_saves, step = _spent(
        limited(params, f"training.length={steps}st", f"training.checkpoint_every={EVERY}st")
    )
    without, _ = _spent(limited(params, f"training.length={steps}st"))
    save = (with_saves - without) / SAVES
    return {"percent": 100 * save / (100 * step), "ms_per_save": 1000 * save, "ms_per_step": 1000 * step}


def _spent(plan: Plan) -> tuple[float, float]:
    """Seconds from the end of the first step to the end of the last, and of a step."""
    ends: list[float] = []

    def hear(event: Event) -> None:
        if isinstance(event, StepDone):
            ends.append(time.perf_counter())

    with TemporaryDirectory() as out:
        mtlkit.run(plan, out, on_event=hear)
    steps = [after - before for before, after in zip(ends, ends[1:], strict=False)]
    return ends[-1] - ends[0], median(steps)
