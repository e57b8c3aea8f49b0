"""What a whole run costs above the bare arithmetic of the same steps: the two take turns, step by step."""

import time
from collections.abc import Sequence
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from attrs import define, field

import mtlkit
from mtlkit.api import preview
from mtlkit.contracts.events import Event, StepDone
from mtlkit.engine.session import open_session
from tests.bench.ours.bare import Bare
from tests.bench.ours.exported import limited


@define
class Turns:
    """The steps of a run and the same steps bare, one of each pair of steps first here, the other first there.

    Whoever takes a step first pays for kernels that its shapes need and no step before needed.
    """

    bare: Bare
    begun: float = field(factory=time.perf_counter)
    engine: list[float] = field(factory=list)
    alone: list[float] = field(factory=list)

    def hear(self, event: Event) -> None:
        """An event of the run."""
        if not isinstance(event, StepDone):
            return
        self.engine.append(time.perf_counter() - self.begun)
        number = event.step - 1
        if number % 2 == 0:
            for step in range(number, min(number + 2, len(self.bare.steps))):
                began = time.perf_counter()
                self.bare.step(step)
                self.alone.append(time.perf_counter() - began)
        self.begun = time.perf_counter()


def compare(params: dict[str, Any]) -> dict[str, float]:
    """The overhead in percent: the median of the ratios of pairs of steps, without the first."""
    plan = limited(params, f"training.length={params['steps']}st")
    turns = Turns(Bare.of(open_session(preview(plan))))
    with TemporaryDirectory() as out:
        mtlkit.run(plan, out, on_event=turns.hear)
    engine, alone = (_in_pairs(times)[1:] for times in (turns.engine, turns.alone))
    ratios = [ours / bare for ours, bare in zip(engine, alone, strict=True)]
    return {
        "overhead_percent": 100 * (median(ratios) - 1),
        "engine_ms": 500 * median(engine),
        "bare_ms": 500 * median(alone),
    }


def _in_pairs(times: Sequence[float]) -> list[float]:
    return [sum(pair) for pair in zip(times[::2], times[1::2], strict=False)]
