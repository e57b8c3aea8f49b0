"""Benches of growth: the same work of several sizes."""

from tests.bench.values import Bench, Sizes, Variant

POINT, CHANGES = "ours.growing:point", "ours.growing:changes"


def _axis(name: str, words: str, function: str, sizes: tuple[int, ...]) -> tuple[Variant, ...]:
    return tuple(Variant(str(size), f"{size:,} {words}", "ours", function, {name: size}) for size in sizes)


DEPTH = Bench(
    "depth",
    "Growth with depth",
    _axis("blocks", "blocks", POINT, (2, 4, 8, 16, 24)),
    full=Sizes(steps=30, repeats=1),
    quick=Sizes(steps=5, repeats=1),
    measure="step_ms",
    unit="a step, ms",
    grows=("step_ms", "planning_ms", "peak_mb"),
    note="A random backbone of hidden size 128, 1,000 generated rows, 32 a step.",
)

MANY = Bench(
    "many",
    "Growth with tasks",
    _axis("tasks", "tasks", POINT, (1, 2, 4, 8, 16, 32)),
    full=Sizes(steps=30, repeats=1),
    quick=Sizes(steps=5, repeats=1),
    measure="step_ms",
    unit="a step, ms",
    grows=("step_ms", "planning_ms", "peak_mb"),
    note="Each with a source of 1,000 rows of its own; 32 rows a step, of all tasks.",
)

EXAMPLES = Bench(
    "examples",
    "Growth with examples",
    _axis("examples", "rows", POINT, (1_000, 10_000, 100_000, 1_000_000)),
    full=Sizes(steps=30, repeats=1),
    quick=Sizes(steps=5, repeats=1),
    measure="step_ms",
    unit="a step, ms",
    grows=("step_ms", "planning_ms", "first_step_ms", "peak_mb"),
    note="Generated rows in a memory-mapped Arrow file. The first step tokenises what it needs, and loads the model.",
)

POLICY = Bench(
    "changes",
    "Growth with changes of what trains",
    _axis("changes", "changes", CHANGES, (1, 3, 9, 24, 99)),
    full=Sizes(repeats=1),
    quick=Sizes(repeats=1),
    measure="steps_ms",
    unit="200 steps, ms",
    grows=("steps_ms", "planning_ms"),
    note="200 steps in which blocks and embeddings take turns, so that little but the number of changes differs.",
)

CALLS = Bench(
    "calls",
    "Planning, sampling and policies in a step",
    (Variant("mtlkit", "gradual unfreezing of three tasks", "ours", "ours.growing:calls"),),
    full=Sizes(rows=672, steps=9, repeats=2),
    quick=Sizes(rows=96, steps=3, repeats=1),
    measure="percent",
    unit="% of a step",
    export="three-tasks",
)

BENCHES = (DEPTH, MANY, EXAMPLES, POLICY, CALLS)
