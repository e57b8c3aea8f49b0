"""Frozen heads: since when they stand, how much worse they have become, and when they are fitted again."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mtlkit
from mtlkit.api import preview
from mtlkit.builtin.curves.constant import Constant
from mtlkit.builtin.curves.linear import Linear
from mtlkit.builtin.freeze.head import FreezeHead
from mtlkit.builtin.freeze.phases import Phases, PhaseSpec
from mtlkit.builtin.lr.layer_wise import LayerWise
from mtlkit.contracts.duration import Duration
from mtlkit.contracts.progress import Measurement
from mtlkit.errors import RecipeError
from mtlkit.plan.rot import decays, stale, standing_heads
from mtlkit.plan.selection import Objective
from mtlkit.plan.timeline import REFIT, Refit, Timeline
from tests.plan.test_guards import BASE, RUN, VALIDATED
from tests.plan.timelines import made

TABLE = made(2, "a", "b")
NAMES = TABLE.names
UP, DOWN = Objective({"a/f1": 1.0}), Objective({"a/mae": 1.0}, "min")
SETS = st.lists(st.frozensets(st.sampled_from(NAMES)), max_size=12)


@given(SETS)
def test_a_head_is_stale_from_when_the_backbone_moved_without_it_until_it_trains(sets):
    found = stale(TABLE, sets)
    for task in TABLE.tasks:
        trained = [step for step, names in enumerate(sets) if f"heads.{task}.weight" in names]
        begin = trained[-1] + 1 if trained else 0
        moved = [step for step in range(begin, len(sets)) if task in standing_heads(TABLE, sets[step])]
        assert found.get(task) == (moved[0] if moved else None)


def log(metric, **values):
    return [Measurement(int(step[1:]), metric, value) for step, value in values.items()]


@pytest.mark.parametrize(
    ("objective", "since", "values", "expected"),
    [
        (UP, 0, {"s0": 0.9, "s5": 0.95, "s10": 0.6}, (0.9, 0.6, 0.3)),
        (UP, 5, {"s0": 0.9, "s5": 0.95, "s10": 0.6}, (0.95, 0.6, 0.35)),
        (UP, 3, {"s0": 0.9, "s5": 0.95, "s10": 0.6}, (0.9, 0.6, 0.3)),
        (UP, 0, {"s5": 0.9, "s10": 0.95}, (0.9, 0.95, -0.05)),
        (DOWN, 0, {"s0": 1.0, "s10": 1.5}, (1.0, 1.5, 0.5)),
        (UP, 0, {"s5": 0.9}, None),
        (UP, 10, {"s5": 0.9, "s10": 0.5}, None),
        (UP, 0, {"s0": 0.9, "s5": 0.5, "s10": math.nan}, (0.9, 0.5, 0.4)),
    ],
)
def test_what_counts_is_the_last_evaluation_before_it_stood(objective, since, values, expected):
    metric = next(iter(objective.weights))
    found = list(decays({"a": objective}, {"a": since, "b": 0}, log(metric, **values)))
    if expected is None:
        assert found == []
        return
    [decay] = found
    assert (decay.task, decay.metric) == ("a", metric)
    assert (decay.before, decay.now, decay.worse) == pytest.approx(expected)


def line(*policies, again=4, tolerance=0.1, total=6):
    refit = Refit(again, tolerance, {"a": UP})
    return Timeline(
        policies,
        LayerWise(1.0, 2.0, 3.0),
        Linear(warmup=Duration(2, "st")),
        TABLE,
        total + again,
        3,
        {},
        refit,
    )


def test_the_last_steps_fit_the_heads_again_that_stood():
    timeline = line(FreezeHead("a"))
    moments = list(timeline.moments())
    phases = timeline.phases(moments)
    assert [(phase.name, phase.start, phase.end) for phase in phases] == [("phase-1", 0, 6), (REFIT, 6, 10)]
    assert phases[1].trainable == ("heads.a.weight",)
    assert timeline.main == 6
    assert [moment.rates["head.a"] for moment in moments] == [0.0] * 6 + [0.0, 1.5, 3.0, 1.5]
    assert [moment.rates["blocks"] for moment in moments[6:]] == [0.0] * 4
    assert {moment.progress.total for moment in moments} == {6}


def test_no_head_no_steps():
    assert len(list(line().moments())) == 6


def test_a_head_that_is_as_good_as_before_is_left_alone():
    timeline = line(FreezeHead("a"))
    well = log("a/f1", s0=0.9, s6=0.8)
    badly = log("a/f1", s0=0.9, s6=0.7)
    assert len(list(timeline.moments(lambda: well))) == 6
    assert len(list(timeline.moments(lambda: badly))) == 10
    later = [*badly, *log("a/f1", s8=0.95)]
    assert len(list(timeline.moments(lambda: later))) == 10  # what is measured meanwhile changes nothing


@settings(max_examples=40)
@given(st.integers(0, 9), st.integers(1, 4), st.booleans())
def test_a_walk_from_any_step_gives_the_same(first, again, thawed):
    policy = Phases(
        (PhaseSpec(Duration(2, "st"), ("head.a",)), PhaseSpec(None, () if thawed else ("head.b",)))
    )
    timeline = line(policy, again=again)
    whole = list(timeline.moments())
    part = list(timeline.moments(tuple, first))
    assert [(each.trainable, each.rates) for each in part] == [
        (each.trainable, each.rates) for each in whole[first:]
    ]


FROZEN = "freeze={ use = 'head', task = 'sentiment' }"


def planned(*settings):
    return preview(mtlkit.plan(mtlkit.load(BASE, [RUN, *settings])))


def test_the_plan_shows_the_phase_and_says_what_it_is_for():
    found = planned(FROZEN, VALIDATED, "guards={ frozen_head = 'refit', tolerance = 0.1, refit = '5st' }")
    assert [(phase.name, phase.start, phase.end) for phase in found.phases] == [
        ("phase-1", 0, 40),
        ("refit", 40, 45),
    ]
    assert all(name.startswith("heads.sentiment.") for name in found.phases[1].trainable)
    assert [str(guard) for guard in found.guards] == [
        "freeze: the head of task 'sentiment' is frozen in steps 0–39 while the backbone below it trains: the "
        "features that it has learned to read change; it is fitted again at the end if its metric is worse "
        "by more than 0.1 then, or was not measured"
    ]
    assert found.plan.recipe["guards"] == {"frozen_head": "refit", "tolerance": 0.1, "refit": "5st"}


def test_guards_of_guards():
    stop, refit = "guards.frozen_head=stop", "guards.frozen_head=refit"
    nothing = (
        "guards.frozen_head: frozen_head = {!r} does nothing: no head stays frozen while the backbone trains"
    )
    assert [str(guard) for guard in planned(stop).guards] == [nothing.format("stop")]
    found = planned(refit)
    assert [str(guard) for guard in found.guards] == [nothing.format("refit")]
    assert found.timeline.total == 40
    assert [str(guard) for guard in planned(FROZEN, stop).guards][1:] == [
        "guards.frozen_head: data 'opinions' has no validation rows, so nobody sees the task of the frozen head "
        "get worse; add validation = 0.1 to the split of [data.opinions]"
    ]
    chosen = "selection={ metric = 'sentiment/accuracy' }"
    assert [str(guard) for guard in planned(FROZEN, VALIDATED, refit, chosen).guards][1:] == [
        "guards.frozen_head: the run goes back to its best evaluation, which may be one from before heads are "
        "fitted again"
    ]
    waits = "freeze={ use = 'unfreeze-on-metric', metric = 'sentiment/accuracy', threshold = 0.5 }"
    assert [
        guard.path for guard in planned(waits, VALIDATED, stop, "training.evaluate_every=5st").guards
    ] == []


def test_a_refit_of_nothing_is_refused():
    with pytest.raises(RecipeError) as error:
        planned("guards.refit=0ep")
    [problem] = error.value.problems
    assert (problem.path, problem.message, problem.suggestion) == (
        "guards.refit",
        "refit is '0ep'; heads must be fitted again for longer than nothing",
        'write such as "1ep"',
    )


def test_a_constant_curve_holds_in_both_parts():
    timeline = Timeline(
        (FreezeHead("b"),), LayerWise(1.0, 2.0, 3.0), Constant(), TABLE, 5, 5, {}, Refit(2, 0.0, {})
    )
    assert [moment.rates["head.b"] for moment in timeline.moments()] == [0, 0, 0, 3.0, 3.0]
