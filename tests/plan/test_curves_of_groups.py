"""Curves of single weights: `[lr.curves]` of a recipe, and what a timeline makes of them."""

import json
import tomllib
from pathlib import Path

import pytest
import tomli_w
from hypothesis import given, settings
from hypothesis import strategies as st

import mtlkit
from mtlkit.api import preview
from mtlkit.builtin.curves.constant import Constant
from mtlkit.builtin.curves.cosine import Cosine
from mtlkit.builtin.curves.linear import Linear
from mtlkit.builtin.freeze.gradual_unfreeze import GradualUnfreeze
from mtlkit.builtin.freeze.none import FreezeNone
from mtlkit.builtin.lr.layer_decay import LayerDecay
from mtlkit.builtin.lr.layer_wise import LayerWise
from mtlkit.builtin.lr.uniform import Uniform
from mtlkit.contracts.duration import Duration
from mtlkit.contracts.selectors import parse
from mtlkit.errors import RecipeError
from mtlkit.outputs.plan_json import plan_document
from mtlkit.outputs.plan_text import plan_text
from mtlkit.plan.timeline import Timeline
from mtlkit.testing.strategies import param_tables
from tests.plan.timelines import made

BASE = Path(__file__).parents[2] / "recipes" / "scenarios" / "base.toml"
FOUR, TWO = Duration(4, "st"), Duration(2, "st")
SELECTORS = ("heads", "type:bias", "blocks", "embeddings", "backbone & !type:norm", "blocks[0]")
CURVES = st.sampled_from(
    (
        Constant(),
        Cosine(0.1, TWO),
        Linear(0.2, FOUR, FOUR),
        Linear(0.0, TWO, FOUR, "all"),
        Constant(rewarm=FOUR, rewarm_scope="all"),
    )
)
SCHEDULES = st.sampled_from((Uniform(1e-3), LayerWise(1e-3, 2e-3, 3e-3), LayerDecay(1e-3)))
FREEZES = st.sampled_from((FreezeNone(), GradualUnfreeze(Duration(3, "st"))))
LINES = st.builds(
    Timeline,
    FREEZES.map(lambda policy: (policy,)),
    SCHEDULES,
    CURVES,
    param_tables(max_depth=4),
    st.integers(0, 16),
    st.integers(1, 5),
    st.dictionaries(st.sampled_from(SELECTORS), CURVES, max_size=4),
)


@settings(max_examples=60)
@given(LINES)
def test_groups_still_part_all_weights_and_each_follows_one_curve(line):
    names = [name for weights in line.groups.values() for name in weights]
    assert sorted(names) == sorted(line.table.names)
    rows = {row.name: row for row in line.table}
    for group in line.parts.values():
        for name in group.weights:
            texts = [text for text in line.curves if parse(text).matches(rows[name], line.table)]
            assert group.curve == (texts[0] if texts else "")
            assert group.of == line.schedule.group(rows[name], line.table)


@settings(max_examples=60)
@given(LINES)
def test_each_rate_is_the_schedules_times_the_factor_of_its_own_curve(line):
    """Ages are those of the group; with scope "all" that of the youngest group that trains, of any curve."""
    thawed = {}
    for moment in line.moments():
        step = moment.progress.step
        for name, group in line.parts.items():
            if moment.trainable.isdisjoint(group.weights):
                thawed.pop(name, None)
            else:
                thawed.setdefault(name, step)
        ages = {name: step - since for name, since in thawed.items()}
        for name, group in line.parts.items():
            if name not in ages:
                assert moment.rates[name] == 0
                continue
            curve = line.curves.get(group.curve, line.curve)
            age = min(ages.values()) if curve.rewarm_scope == "all" else ages[name]
            expected = line.schedule.rate(group.of, moment.progress, ages[name])
            assert moment.rates[name] == expected * curve.factor(moment.progress, age)


@settings(max_examples=40)
@given(LINES)
def test_one_curve_for_all_is_the_same_however_it_is_written(line):
    plain = Timeline(line.policies, line.schedule, line.curve, line.table, line.total, line.steps_per_epoch)
    everything = {"backbone": line.curve, "heads": line.curve}
    written = Timeline(
        line.policies, line.schedule, Constant(), line.table, line.total, line.steps_per_epoch, everything
    )
    if isinstance(line.schedule, Uniform):  # its one group is split, and each part thaws by itself
        return
    assert [moment.rates for moment in plain.moments()] == [moment.rates for moment in written.moments()]


def test_warm_up_floor_and_rewarm_of_each():
    curves = {"heads": Linear(0.5, FOUR), "embeddings": Constant(rewarm=FOUR)}
    line = Timeline(
        (GradualUnfreeze(Duration(3, "st"), 2),), Uniform(1.0), Constant(), made(2, "t"), 12, 4, curves
    )
    assert list(line.groups) == ["all · embeddings", "all · the rest", "all · heads"]
    rates = [moment.rates for moment in line.moments()]
    assert [each["all · the rest"] for each in rates] == [0.0] * 3 + [1.0] * 9
    assert [each["all · embeddings"] for each in rates] == [0.0] * 6 + [0.25, 0.5, 0.75, 1.0, 1.0, 1.0]
    heads = [0, 0.25, 0.5, 0.75, *(1 - step / 16 for step in range(8))]
    assert [each["all · heads"] for each in rates] == pytest.approx(heads)


CURVED = (
    'lr.curves={ heads = "cosine", "blocks & type:bias" = { use = "linear", floor = 0.5, warmup = "2st" } }'
)


LAYERS = "lr={ use = 'layer-wise', embeddings = 1e-3, blocks = 5e-3, heads = 1e-2 }"


def prepared(*settings):
    return preview(mtlkit.plan(mtlkit.load(BASE, ["training.length=10st", LAYERS, *settings])))


def test_a_recipe_says_it_and_the_plan_shows_it(tmp_path):
    found = prepared(CURVED)
    line, plan = found.timeline, found.plan
    assert {text: part.name for text, part in plan.curves.items()} == {
        "heads": "cosine",
        "blocks & type:bias": "linear",
    }
    shown = plan_text(line, found.moments, found.phases, {}, "")
    assert "head.sentiment               peak 1.00e-02, last 2.45e-04, curve of 'heads'" in shown
    assert "blocks · the rest" in shown
    groups = plan_document(line, found.moments, found.phases)["groups"]
    places = {group["name"]: group["curve"] for group in groups}
    assert places["blocks · blocks & type:bias"] == "lr.curves.blocks & type:bias"
    assert places["blocks · the rest"] == places["embeddings"] == "lr.curve"
    written = plan.recipe["lr"]["curves"]
    assert written["blocks & type:bias"] == {
        "use": "linear", "floor": 0.5, "warmup": "2st", "rewarm": "0st", "rewarm_scope": "group",
    }  # fmt: skip
    again = tmp_path / "again.toml"
    again.write_text(tomli_w.dumps(dict(plan.recipe)))
    assert tomllib.loads(again.read_text())["lr"]["curves"] == written
    assert [moment.rates for moment in preview(mtlkit.plan(mtlkit.load(again))).moments] == [
        moment.rates for moment in found.moments
    ]


def reported(*settings):
    with pytest.raises(RecipeError) as error:
        prepared(*settings)
    return [(each.path, each.message, each.suggestion) for each in error.value.problems]


def test_what_is_wrong_with_one_is_told_at_its_place():
    assert reported('lr.curves={ "blocks[7]" = "linear" }') == [
        (
            'lr.curves."blocks[7]"',
            "the selector 'blocks[7]' matches no weight",
            "the backbone has 2 blocks, numbered from 0 to 1",
        )
    ]
    assert reported('lr.curves={ "head.sentimen" = "linear" }') == [
        ('lr.curves."head.sentimen"', "there is no task 'sentimen'", "did you mean 'sentiment'?")
    ]
    assert reported("lr.curves={ heads = 'linar' }") == [
        ("lr.curves.heads.use", "there is no curve 'linar'", "did you mean 'linear'?")
    ]
    [(path, message, _)] = reported('lr.curves={ "blocks[" = "linear" }')
    assert path == 'lr.curves."blocks["'
    assert message == (
        "selector 'blocks[', position 1: 'blocks[' is not a slice of blocks, expected such as blocks[3], "
        "blocks[0:6] or blocks[-2:]"
    )
    [(path, message, _)] = reported("lr.curves={ heads = { use = 'linear', flor = 0.1 } }")
    assert (path, message) == ("lr.curves.heads.flor", "unknown key 'flor'")


def test_guards_look_at_each():
    found = prepared("lr.curves={ heads = { use = 'linear', warmup = '10st' } }").guards
    assert [str(guard) for guard in found] == [
        "lr.curves.heads: the warm-up takes 10 steps and the run has 10: the peak is never reached; "
        "usual for fine-tuning are 5 to 10 % of the run"
    ]
    watching = "lr.curves={ heads = { use = 'plateau', metric = 'sentiment/accuracy', patience = 1 } }"
    assert [guard.path for guard in prepared(watching).guards] == ["lr.curves.heads"]


def test_a_run_follows_them(tmp_path):
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(f'extends = "{BASE}"\n')
    events = []
    plan = mtlkit.plan(mtlkit.load(recipe, ["training.length=4st", LAYERS, CURVED]))
    result = mtlkit.run(plan, tmp_path / "runs", on_event=events.append)
    planned = json.loads((result.run_dir / "plan.json").read_text())["rates"]
    steps = [event for event in events if type(event).__name__ == "StepDone"]
    assert len(steps) == 4
    for at, event in enumerate(steps):
        assert event.rates == {group: rates[at][1] for group, rates in planned.items()}
    assert result.frozen == "unchanged"
