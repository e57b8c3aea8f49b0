"""Policies that are made of others: any-of, except-for, sequence."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mtlkit
from mtlkit.api import preview
from mtlkit.builtin.freeze.all import FreezeAll
from mtlkit.builtin.freeze.any_of import AnyOf
from mtlkit.builtin.freeze.backbone import FreezeBackbone
from mtlkit.builtin.freeze.bias_only import BiasOnly
from mtlkit.builtin.freeze.composing import joined, parted, read, written
from mtlkit.builtin.freeze.embeddings import FreezeEmbeddings
from mtlkit.builtin.freeze.except_for import ExceptFor
from mtlkit.builtin.freeze.gradual_unfreeze import GradualUnfreeze
from mtlkit.builtin.freeze.lp_ft import LpFt
from mtlkit.builtin.freeze.none import FreezeNone
from mtlkit.builtin.freeze.pattern import Pattern
from mtlkit.builtin.freeze.sequence import Sequence, StageSpec
from mtlkit.builtin.freeze.surgical import Surgical
from mtlkit.builtin.freeze.triggers import Lasts, OnPlateau
from mtlkit.builtin.freeze.unfreeze_on_plateau import UnfreezeOnPlateau
from mtlkit.contracts.duration import Duration
from mtlkit.contracts.freeze import Chosen, made_of
from mtlkit.contracts.progress import Progress
from mtlkit.contracts.selectors import parse
from mtlkit.contracts.statistics import Statistic
from mtlkit.errors import RecipeError
from mtlkit.testing.strategies import metric_logs, param_tables
from tests.builtin.freeze.moments import METRIC, changes, made, measured

BASE = Path(__file__).parents[3] / "recipes" / "scenarios" / "base.toml"
FIVE = Duration(5, "st")
POLICIES = (
    FreezeNone(),
    FreezeBackbone(),
    FreezeEmbeddings(),
    BiasOnly(),
    LpFt(FIVE),
    GradualUnfreeze(FIVE),
    UnfreezeOnPlateau("news/loss", 1, mode="min"),
)
CHOSEN = st.sampled_from(POLICIES).map(lambda policy: Chosen("policy", policy))
STEPS = st.integers(0, 40)


def names(policy, table, progress):
    phase = policy.phase(progress)
    return {row.name for row in table if policy.trainable(row, table, phase)}


@given(param_tables(max_depth=4), st.lists(CHOSEN, min_size=2, max_size=4), metric_logs(max_step=40), STEPS)
def test_any_of_trains_the_union_whatever_their_order(table, chosen, log, step):
    progress = Progress(step, 40, 5, tuple(entry for entry in log if entry.step <= step))
    expected = set().union(*(names(each.policy, table, progress) for each in chosen))
    assert names(AnyOf(tuple(chosen)), table, progress) == expected
    assert names(AnyOf(tuple(reversed(chosen))), table, progress) == expected


@given(param_tables(max_depth=4), CHOSEN, st.sampled_from(("type:norm", "blocks", "heads")), STEPS)
def test_except_for_adds_the_exceptions(table, chosen, selector, step):
    progress = Progress(step, 40, 5)
    exceptions = {row.name for row in table if parse(selector).matches(row, table)}
    policy = ExceptFor(chosen, (selector,))
    assert names(policy, table, progress) == exceptions | names(chosen.policy, table, progress)


@settings(max_examples=60)
@given(param_tables(max_depth=4), CHOSEN, CHOSEN, st.integers(1, 30), STEPS)
def test_in_a_sequence_each_counts_from_the_start_of_its_stage(table, first, second, end, step):
    policy = Sequence((StageSpec(first, Duration(end, "st")), StageSpec(second)))
    begin = 0 if step < end else end
    now = first if step < end else second
    expected = names(now.policy, table, Progress(step - begin, 40, 5))
    assert names(policy, table, Progress(step, 40, 5)) == expected


def test_a_sequence_of_thawing_freezing_and_thawing_again():
    stages = (
        StageSpec(Chosen("gradual-unfreeze", GradualUnfreeze(Duration(10, "st"))), Lasts(Duration(30, "st"))),
        StageSpec(Chosen("backbone", FreezeBackbone()), OnPlateau(METRIC, 1)),
        StageSpec(Chosen("lp-ft", LpFt(Duration(10, "st")))),
    )
    policy = Sequence(stages)
    heads = ["heads.t.w"]
    log = measured(0.1, 0.2, 0.3, 0.4, 0.4)
    assert changes(policy, made(2), 70, 10, log) == {
        0: heads,
        10: ["b1", "norm", *heads],
        20: ["b0", "b1", "norm", *heads],
        30: heads,
        60: ["e", "b0", "b1", "norm", *heads],
    }
    assert [policy.phase(Progress(step, 70, 10, log)) for step in (0, 15, 30, 50, 60)] == [
        "gradual-unfreeze",
        "gradual-unfreeze 1",
        "backbone",
        "lp-ft probe",
        "lp-ft everything",
    ]
    assert policy.metrics() == (METRIC,)
    assert policy.tasks() == ("sentiment",)


NAMES = st.one_of(st.integers(), st.text(), st.sampled_from(("0", "-1", "a | b", '"', "1 x")))


@given(st.lists(NAMES, min_size=1, max_size=4))
def test_phases_of_several_are_told_apart(phases):
    assert parted(joined(phases), len(phases)) == tuple(phases)
    assert [read(written(phase)) for phase in phases] == phases


def test_what_they_tell_is_what_their_parts_tell():
    policy = AnyOf(
        (
            Chosen("surgical", Surgical(1)),
            Chosen("pattern", Pattern(("backbone",), ("head.news",))),
            Chosen("lp-ft", LpFt(OnPlateau(METRIC, 2))),
        )
    )
    assert policy.statistics() == (Statistic("relative-gradient"),)
    assert policy.patterns() == ("backbone", "head.news")
    assert policy.tasks() == ("news", "sentiment")
    assert policy.metrics() == (METRIC,)
    inner = ExceptFor(Chosen("all", FreezeAll()), ("heads",))
    sequence = Sequence((StageSpec(Chosen("except-for", inner), FIVE), StageSpec(Chosen("any-of", policy))))
    kinds = [type(each).__name__ for each in made_of(sequence)]
    assert kinds == ["Sequence", "ExceptFor", "FreezeAll", "AnyOf", "Surgical", "Pattern", "LpFt"]
    assert inner.stages() == ()
    assert (inner.statistics(), inner.metrics(), inner.tasks(), inner.patterns()) == ((), (), (), ("heads",))


def test_what_they_refuse():
    none = Chosen("none", FreezeNone())
    with pytest.raises(ValueError, match="policies has 1 entries; write at least two"):
        AnyOf((none,))
    with pytest.raises(ValueError, match="weights is empty; name at least one selector"):
        ExceptFor(none, ())
    with pytest.raises(ValueError, match="phases has 1 entries; write at least two"):
        Sequence((StageSpec(none),))
    with pytest.raises(ValueError, match="phase 1 of 2 is not the last one and needs an until"):
        Sequence((StageSpec(none), StageSpec(none)))
    with pytest.raises(ValueError, match="phase 2 of 2 is the last one and may not have an until"):
        Sequence((StageSpec(none, FIVE), StageSpec(none, FIVE)))


def prepared(freeze):
    return preview(mtlkit.plan(mtlkit.load(BASE, ["training.length=20st", f"freeze={freeze}"])))


def test_a_recipe_says_it_and_its_resolved_form_says_it_again():
    found = prepared(
        "[{ use = 'any-of', policies = [{ use = 'bias-only' }, { use = 'gradual-unfreeze', every = '5st' }] }]"
    )
    [written_out] = found.plan.recipe["freeze"]
    assert written_out == {
        "use": "any-of",
        "policies": [
            {"use": "bias-only"},
            {"use": "gradual-unfreeze", "every": "5st", "group_size": 1, "start": "0st", "order": "down"},
        ],
    }
    assert [phase.name for phase in found.phases] == ["phase-1", "0 | 1", "0 | 2", "0 | 3"]


def problems(freeze):
    with pytest.raises(RecipeError) as error:
        prepared(freeze)
    return [(each.path, each.message, each.suggestion) for each in error.value.problems]


@pytest.mark.parametrize(
    ("inner", "path", "message", "suggestion"),
    [
        ("{ use = 'bakbone' }", "use", "there is no freeze policy 'bakbone'", "did you mean 'backbone'?"),
        ("{ layers = 1 }", "use", "missing key 'use'", "add use = …"),
        ("{ use = 3 }", "use", "3 is not text", "write \"3\" in quotes"),
        ("3", "", "3 is not a table", "write a table: { key = value }"),
        ("{ use = 'bottom-layers', layer = 1 }", "layer", "unknown key 'layer'", "did you mean 'layers'?"),
        ("{ use = 'none', zzz = 1 }", "zzz", "unknown key 'zzz'", "see mtlkit plugins"),
        ("{ use = 'gradual-unfreeze' }", "every", "missing key 'every'", "add every = …"),
        ("{ use = 'gradual-unfreeze', every = 5 }", "every", "5 is not a duration", "write \"3ep\" (epochs), \"500st\" (steps) or \"10%\" (of the run)"),
        ("{ use = 'gradual-unfreeze', every = '0st' }", "", "every is '0st'", "a stage must last longer than nothing"),
        ("{ use = 'pattern', freeze = ['blocks[9]'] }", "freeze[0]", "the selector 'blocks[9]' matches no weight", "the backbone has 2 blocks, numbered from 0 to 1"),
        ("{ use = 'head', task = 'sentimen' }", "task", "there is no task 'sentimen'", "did you mean 'sentiment'?"),
        ("{ use = 'child-tuning' }", "use", "'child-tuning' is a regularizer, not a freeze policy", "it belongs in [[regularizer]]"),
    ],
)  # fmt: skip
def test_what_is_wrong_inside_is_told_at_its_place(inner, path, message, suggestion):
    found = problems(f"{{ use = 'except-for', policy = {inner}, weights = ['heads'] }}")
    place = ".".join(part for part in ("freeze.policy", path) if part)
    assert found == [(place, message, suggestion)]


def test_nothing_may_train_where_a_part_asks_for_it():
    stages = "{ policy = { use = 'backbone' }, until = '5st' }, { policy = { use = 'all' } }"
    found = prepared(f"{{ use = 'sequence', phases = [{stages}] }}")
    assert [(phase.name, phase.start, bool(phase.trainable)) for phase in found.phases] == [
        ("backbone", 0, True),
        ("all", 5, False),
    ]
