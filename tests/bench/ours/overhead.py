"""What a whole run costs above the bare arithmetic of the same steps: the two take turns, step by step."""

import time
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

WARM_UP = 2


@define
class Turns:
    """After each step of a run, the same step bare; both are timed."""

    bare: Bare
    begun: float = field(factory=time.perf_counter)
    engine: list[float] = field(factory=list)
    alone: list[float] = field(factory=list)

    def hear(self, event: Event) -> None:
        """An event of the run."""
        if not isinstance(event, StepDone):
            return
        self.engine.append(time.perf_counter() - self.begun)
        began = time.perf_counter()
        self.bare.step(event.step - 1)
        self.alone.append(time.perf_counter() - began)
        self.begun = time.perf_counter()


def compare(params: dict[str, Any]) -> dict[str, float]:
    """The overhead in percent: the median of the steps' ratios, without the first two steps."""
    plan = limited(params, f"training.length={params['steps']}st")
    turns = Turns(Bare.of(open_session(preview(plan))))
    with TemporaryDirectory() as out:
        mtlkit.run(plan, out, on_event=turns.hear)
    pairs = list(zip(turns.engine, turns.alone, strict=True))[WARM_UP:]
    return {
        "overhead_percent": 100 * (median(engine / alone for engine, alone in pairs) - 1),
        "engine_ms": 1000 * median(engine for engine, _ in pairs),
        "bare_ms": 1000 * median(alone for _, alone in pairs),
    }
