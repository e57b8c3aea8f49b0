"""The part of docs/benchmarks.md about how well faster ways to train learn."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.bench.markdown import table
from tests.bench.paired import LEAST_PAIRS, MARGIN, Verdict, differences, verdict
from tests.bench.techniques import ARMS, PAIRS

NOTE = """\
A speed-up that costs accuracy is none. Trainings of the same seed that differ in one technique alone are compared: sentiment,
{train} rows, {epochs} epochs, all weights train, accuracy on {test} other rows{set}. A technique is as good where the
mean difference is above −{margin} points with 95 % confidence (one-sided, t distribution; the bootstrap's bound is told
beside it) over at least {pairs} pairs. One that is not shown to be as good stays off unless a recipe asks for it.
"""


def quality(results: Path) -> str:
    """The section, empty where nothing was measured."""
    if not results.exists():
        return ""
    told: dict[str, Any] = json.loads(results.read_text(encoding="utf-8"))
    under = f", with {', '.join(f'`{each}`' for each in told['set'])}" if told["set"] else ""
    note = NOTE.format(**told["sizes"], epochs=told["epochs"], set=under, margin=MARGIN, pairs=LEAST_PAIRS)
    head = ("technique", "pairs", "mean difference", "SD", "above", "by bootstrap", "below", "verdict")
    lines = ["## Quality", "", note, *table(head, list(_verdicts(told["accuracy"]))), ""]
    seeds = sorted({seed for arm in told["accuracy"].values() for seed in arm}, key=int)
    arms = [arm for arm in ARMS if arm in told["accuracy"]]
    rows = [(seed, *(_shown(told["accuracy"][arm].get(seed)) for arm in arms)) for seed in seeds]
    lines += ["Accuracy in percent by seed:", "", *table(("seed", *arms), rows), ""]
    machine, versions = told["machine"], told["versions"]
    used = ", ".join(f"{name} {versions[name]}" for name in ("torch", "transformers") if name in versions)
    where = f"{machine['processor']}, one thread a training, {used}, {told['day']}"
    return "\n".join([*lines, f"{where}. Again: `make bench-quality`.", ""])


def _verdicts(accuracy: dict[str, dict[str, float]]) -> Iterator[tuple[str, ...]]:
    for pair in PAIRS:
        found = verdict(differences(accuracy.get(pair.technique, {}), accuracy.get(pair.control, {})))
        yield (pair.words, *(_told(found) if found else ("0", "", "", "", "", "", "not measured")))


def _told(found: Verdict) -> tuple[str, ...]:
    bounds = (f"{value:+.2f}" for value in (found.low, found.resampled, found.high))
    return (str(found.pairs), f"{found.mean:+.2f}", f"{found.spread:.2f}", *bounds, found.words)


def _shown(accuracy: float | None) -> str:
    return "" if accuracy is None else f"{accuracy:.2f}"
