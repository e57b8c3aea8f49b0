"""docs/benchmarks.md, made of docs/benchmarks.json; `python -m tests.bench.page` makes it again."""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from tests.bench.benches import BENCHES
from tests.bench.goals import GOALS
from tests.bench.markdown import number, table
from tests.bench.quality_page import quality
from tests.bench.results import Entry, entries, turns
from tests.bench.running import ROOT
from tests.bench.turns import Reached, growth, reached, spread
from tests.bench.values import Bench, Goal

QUALITY = ROOT / "docs" / "quality.json"
HEAD = """\
# Benchmarks

What mtlkit costs beside its peers. `make bench` measures all of it in about half an hour and writes this page from
`docs/benchmarks.json`; `make bench ONLY=full,frozen` measures parts, and `make bench-quick` takes a few minutes and is
for a look, not for figures.

Each measurement is a fresh process; all have the same number of threads, and the variants take turns: A B C, A B C. Peers
live in an environment of their own, with the same versions of PyTorch and transformers, and get the very rows that
mtlkit trains on: those of the quickstart. Figures are medians over the turns, with the least and the largest in
brackets. A ratio is that of two medians; its brackets have the least and the largest ratio within one turn. Times
of training are those of training steps, without start-up and evaluation, on both sides; whole processes, from the start of
Python to a saved model, are told beside them.
Figures of two machines are not comparable, ratios are more so.
"""


def page(results: Path, learned: Path = QUALITY) -> str:
    """The whole page, of both files of results."""
    found = entries(results)
    benches = (_bench(BENCHES[name], found[name]) for name in BENCHES if name in found)
    parts = [HEAD, _goals(found), quality(learned), *benches, _surroundings(found)]
    return "\n".join(part for part in parts if part)


def write_page(results: Path, path: Path, learned: Path = QUALITY) -> None:
    """Make the page of the files of results."""
    path.write_text(page(results, learned), encoding="utf-8")


def _goals(found: dict[str, Entry]) -> str:
    rows = [_goal(reached(goal, partial(turns, found), higher_is_better=_is_rate(goal))) for goal in GOALS]
    head = ("work", "peer", "at least", "aim", "measured", "")
    told = ["## Goals", "", *table(head, rows), ""]
    if any(_failures(found)):
        told += ["These measurements failed:", "", *_failures(found), ""]
    return "\n".join(told)


def _goal(told: Reached) -> tuple[str, ...]:
    goal, sign = told.goal, {"speedup": "×", "share": "×", "alone": ""}[told.goal.how]
    bound = {"speedup": "", "share": "≤ ", "alone": "≤ "}[goal.how]
    unit = sign or goal.unit
    measured = ""
    if told.ratio is not None:
        low, high = number(told.ratio.low), number(told.ratio.high)
        measured = f"{number(told.ratio.middle)}{unit} ({low}–{high})"
    peer = goal.peer + (f": `{told.against}`" if len(goal.theirs) > 1 and told.against else "")
    least, aim = (f"{bound}{number(value)}{unit}" for value in (goal.least, goal.aim))
    return goal.work, peer, least, aim, measured, told.verdict


def _bench(bench: Bench, entry: Entry) -> str:
    first = f"{bench.measure.replace('_', ' ')}" if bench.unit == "" else bench.unit
    columns = _columns(bench, entry)
    rows = []
    for variant in bench.variants:
        if variant.name not in entry.figures:
            continue
        cells = [_spread(entry.turns(variant.name, column)) for column in (bench.measure, *columns)]
        rows.append((f"`{variant.name}`", variant.words, *cells, str(len(entry.figures[variant.name]))))
    head = ("", "what", first, *(COLUMNS[column] for column in columns), "turns")
    sizes = ", ".join(f"{value} {name}" for name, value in entry.sizes.items() if value and name != "repeats")
    told = [f"## {bench.title}", "", *([bench.note, ""] if bench.note else []), *table(head, rows), ""]
    if bench.grows:
        told += [_growth(bench, entry), ""]
    return "\n".join([*told, f"Sizes: {sizes or 'fixed'}. Again: `{entry.command}`.", ""])


def _growth(bench: Bench, entry: Entry) -> str:
    """One sentence of exponents."""
    fits = {measure: growth(entry.figures, measure) for measure in bench.grows}
    names = {**COLUMNS, bench.measure: bench.unit}
    told = [f"{names[measure]}: {fit:.2f}" for measure, fit in fits.items() if fit is not None]
    return f"Fitted exponents (cost = a · size^b, by least squares of logarithms): b of {'; '.join(told)}."


COLUMNS = {
    "step_ms": "a step, ms",
    "planning_ms": "planning, ms",
    "first_step_ms": "from planning to the first step, ms",
    "rates_ms": "writing rates, ms",
    "sampling_ms": "sampling, ms",
    "engine_ms": "engine, ms a step",
    "bare_ms": "bare, ms a step",
    "ms_uniform": "one rate, ms",
    "ms_layer_wise": "layer-wise, ms",
    "ms_layer_decay": "layer-decay, ms",
    "ms_bias": "bias-multiplier, ms",
    "ms_each": "a group per weight, ms",
    "ms_until_written": "until written and read back, ms",
    "ms_per_save": "a save, ms",
    "ms_per_step": "a step, ms",
    "cached_seconds": "cached, s",
    "rows_per_second": "rows/s",
    "seconds": "training, s",
    "process_seconds": "whole process, s",
    "peak_mb": "peak memory, MB",
}


def _columns(bench: Bench, entry: Entry) -> list[str]:
    """The usual further figures, as far as a variant has them."""
    known = {name for turns in entry.figures.values() for turn in turns for name in turn}
    return [name for name in COLUMNS if name in known and name != bench.measure]


def _surroundings(found: dict[str, Entry]) -> str:
    rows: dict[tuple[str, ...], list[str]] = {}
    for entry in found.values():
        told = entry.machine
        place = (
            f"{told['processor']}, {told['cores']} cores ({told['instructions']}), {told['memory']}",
            f"{told['system']}, Python {told['python']}",
            ", ".join(f"{name} {version}" for name, version in entry.versions.items()),
            f"{entry.threads}",
            entry.day,
        )
        rows.setdefault(place, []).append(entry.name)
    head = ("machine", "system", "versions", "threads", "day", "benches")
    lines = table(head, [(*place, ", ".join(names)) for place, names in rows.items()])
    return "\n".join(["## Where this was measured", "", *lines, ""])


def _failures(found: dict[str, Entry]) -> Iterator[str]:
    for entry in found.values():
        for variant, text in entry.failed.items():
            yield f"- `{entry.name}`, `{variant}`: {text}"


def _is_rate(goal: Goal) -> bool:
    return goal.ours.measure.endswith("_per_second")


def _spread(values: Sequence[float]) -> str:
    if not values:
        return ""
    told = spread(values)
    brackets = f" ({number(told.low)}–{number(told.high)})" if len(values) > 1 else ""
    return number(told.middle) + brackets


if __name__ == "__main__":
    write_page(ROOT / "docs" / "benchmarks.json", ROOT / "docs" / "benchmarks.md")
