"""Benches of growth: the same work of several sizes."""

from tests.bench.values import Bench, Sizes, Variant

POINT, CHANGES = "ours.growing:point", "ours.growing:changes"


def _axis(name: str, words: str, sizes: dict[int, bool], function: str = POINT) -> tuple[Variant, ...]:
    """A variant for each size; a quick bench takes those that are marked."""
    return tuple(
        Variant(str(size), f"{size:,} {words}", "ours", function, {name: size}, quick=quick)
        for size, quick in sizes.items()
    )


DEPTH = Bench(
    "depth",
    "Growth with depth",
    _axis("blocks", "blocks", {2: True, 4: False, 8: True, 16: False, 24: True}),
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
    _axis("tasks", "tasks", {1: True, 2: False, 4: False, 8: True, 16: False, 32: True}),
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
    _axis("examples", "rows", {1_000: True, 10_000: True, 100_000: True, 1_000_000: False}),
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
    _axis("changes", "changes", {1: True, 3: False, 9: False, 24: False, 99: True}, CHANGES),
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
