"""The drawing as text: it fits, says everything without colour, and is the same each time."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtlkit.builtin.curves.constant import Constant
from mtlkit.builtin.curves.linear import Linear
from mtlkit.builtin.freeze.gradual_unfreeze import GradualUnfreeze
from mtlkit.builtin.freeze.none import FreezeNone
from mtlkit.builtin.freeze.pattern import Pattern
from mtlkit.builtin.freeze.phases import Phases, PhaseSpec
from mtlkit.builtin.lr.layer_decay import LayerDecay
from mtlkit.builtin.lr.uniform import Uniform
from mtlkit.contracts.duration import Duration
from mtlkit.outputs.plan_colours import COLOURS, coloured
from mtlkit.outputs.plan_drawing import FROZEN, SHADES, lines, plain, plan_drawing, shortened
from mtlkit.plan.drawing import LEVELS
from mtlkit.plan.timeline import Timeline
from tests.plan.timelines import made, timelines

PATTERN = Pattern(("backbone",), ("type:bias",))
HALVES = (PhaseSpec(Duration(50, "%"), ("backbone",), "heads"), PhaseSpec(None, (), "all"))


def timeline(policy, schedule=None, curve=None, blocks=2, tasks=("news", "sentiment"), total=20) -> Timeline:
    table = made(blocks, *tasks)
    return Timeline((policy,), schedule or Uniform(), curve or Constant(), table, total, 5)


def shown(line: Timeline, width: int = 80) -> str:
    return plan_drawing(line, tuple(line.moments()), width)


def cells(text: str, label: str) -> str:
    [found] = [line for line in text.split("\n") if line.startswith(f"{label} ")]
    return found.removeprefix(label).strip()


@given(timelines(max_depth=30, max_tasks=5), st.integers(1, 220))
def test_lines_fit_the_terminal(line, width):
    text = shown(line, width)
    assert max(map(len, text.split("\n"))) <= max(40, width)
    assert text == shown(line, width)
    assert text.isprintable() or set(text) - {"\n"} <= {each for each in text if each.isprintable()}


@pytest.mark.parametrize("width", [40, 41, 79, 80, 120, 200])
@pytest.mark.parametrize("blocks", [1, 6, 24, 48])
@pytest.mark.parametrize("tasks", [1, 2, 20])
def test_models_of_all_sizes(width, blocks, tasks):
    names = tuple(f"task-{number}-with-a-name-that-is-quite-long-{number}" for number in range(tasks))
    policy = GradualUnfreeze(every=Duration(3, "%"))
    line = timeline(policy, LayerDecay(1e-3), Linear(warmup=Duration(10, "%")), blocks, names, 400)
    text = shown(line, width)
    assert max(map(len, text.split("\n"))) <= width
    heads = [each for each in text.split("\n") if each.startswith("head.")]
    assert len(heads) == tasks
    # a row ends where the terminal does
    assert {len(each) for each in heads} == {width}
    assert text.count("\nblock") == min(blocks, 24)


def test_what_is_frozen_trains_and_is_partly_frozen():
    text = shown(timeline(Phases(HALVES)))
    assert cells(text, "embeddings") == FROZEN * 10 + "█" * 10
    assert cells(text, "head.news") == "█" * 20
    assert "· frozen  █ rate 5.0e-05\n" in text
    text = shown(timeline(PATTERN))
    assert cells(text, "block 1") == "8" * 20
    assert "8 that level, partly frozen" in text
    assert cells(text, "embeddings") == FROZEN * 20


def test_a_rate_of_zero_is_neither_frozen_nor_low():
    text = shown(timeline(PATTERN, curve=Linear(warmup=Duration(4, "st"))))
    assert cells(text, "head.news")[0] == SHADES[0]
    assert cells(text, "block 2")[0] == "0"
    assert f"{SHADES[0]} rate 0" in text
    assert "0–8 that level, partly frozen" in text


def test_rates_below_the_levels_are_told():
    spread = LayerDecay(1e-3, 0.1)
    text = shown(timeline(FreezeNone(), spread, blocks=6))
    assert "▁▂▃▄▅▆▇█ rate 1.0e-06 to 1.0e-03  (log scale)  lowest rate 1.0e-10" in text
    levels = [cells(text, label)[0] for label in ("embeddings", "block 3", "block 5", "block 6", "head.news")]
    assert levels[:2] == ["▁", "▁"]
    assert levels[4] == "█"
    assert [SHADES.index(level) for level in levels] == sorted(SHADES.index(level) for level in levels)


def test_phases_have_their_names_steps_and_places():
    text = shown(timeline(Phases(HALVES)))
    rows = text.split("\n")
    head = next(row for row in rows if row.startswith("head.news"))
    left = head.index("█")
    numbers, ticks = rows[1], rows[2]
    assert (numbers.index("1") - left, numbers.index("2") - left) == (0, 10)
    assert [found.start() - left for found in re.finditer(r"\|", ticks)] == [0, 10]
    assert rows[-1] == "phase 1 heads: steps 0–10  phase 2 all: steps 10–20"


def test_of_many_phases_the_first_are_named():
    line = timeline(GradualUnfreeze(every=Duration(1, "st")), blocks=20, total=400)
    text = shown(line, 60)
    assert len(line.phases(tuple(line.moments()))) == 22
    assert "phase 11: steps 10–11" in text
    assert text.endswith("… 11 more")
    assert "phase 12" not in text


@pytest.mark.parametrize("total", [1, 3, 100, 1_234])
def test_the_axis_says_how_long_the_run_is(total):
    text = shown(timeline(FreezeNone(), total=total), 60)
    assert f"{total:,}" in text
    first = text.partition("\n")[0]
    columns = len(cells(text, "head.news"))
    assert columns == min(total, 60 - len("head.sentiment "))
    longest = -(-total // columns)
    assert first.endswith("one step" if longest == 1 else f"up to {longest} steps")


def test_an_empty_run():
    assert shown(timeline(FreezeNone(), total=0)) == "timeline: the run has no steps"


def test_a_hostile_name_stays_in_its_line():
    phases = (PhaseSpec(Duration(50, "%"), ("backbone",), "a\nb\x1b[31m" + "c" * 500), PhaseSpec(None))
    text = shown(timeline(Phases(phases)), 60)
    assert "\x1b" not in text
    assert r"phase 1 a\nb\x1b[31m" in text
    assert max(map(len, text.split("\n"))) <= 60


def test_long_names_lose_their_middle():
    assert shortened("short", 5) == "short"
    assert shortened("a long name", 7) == "a l…ame"
    assert {len(shortened("x" * 50, length)) for length in range(3, 50)} == set(range(3, 50))


@given(timelines(max_depth=4))
def test_colours_add_nothing_to_the_text(line):
    drawn = lines(line, tuple(line.moments()), 80)
    text = coloured(drawn)
    assert text.plain == plain(drawn)
    assert {str(span.style) for span in text.spans} <= set(COLOURS)


def test_there_is_a_colour_for_every_level():
    assert len(set(COLOURS)) == len(SHADES) == len(set(SHADES)) == LEVELS + 1
    assert FROZEN not in SHADES
