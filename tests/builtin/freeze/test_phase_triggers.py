"""Phases that end by metrics, by their own length, and that are gone through again."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtlkit.builtin.freeze.phases import Phases, PhaseSpec
from mtlkit.builtin.freeze.triggers import AllOf, AnyOf, Lasts, OnMetric, OnPlateau
from mtlkit.builtin.freeze.unfreeze_on_plateau import UnfreezeOnPlateau
from mtlkit.catalog.catalog import Entry
from mtlkit.catalog.options import dump_options, make_options
from mtlkit.contracts.card import Card
from mtlkit.contracts.duration import Duration
from mtlkit.contracts.progress import Progress
from mtlkit.testing.strategies import metric_logs
from tests.builtin.freeze.moments import METRIC, changes, made, measured, trained

PLATEAU = OnPlateau(METRIC, 2)
EPOCH = Lasts(Duration(1, "ep"))
ENTRY = Entry(Card("freeze", "phases", "", Phases), "a test", "")


def starts(policy, total=100, per_epoch=10, log=()):
    """Step → phase, for each step at which a phase begins."""
    asked = [policy.phase(Progress(step, total, per_epoch, log)) for step in range(total + 1)]
    return {step: now for step, now in enumerate(asked) if step == 0 or now != asked[step - 1]}


def phases(*untils, repeat=1):
    return Phases(tuple(map(PhaseSpec, untils)), repeat)


def test_a_plateau_is_counted_from_the_start_of_its_phase_against_the_best_of_the_run():
    policy = phases(PLATEAU, PLATEAU, None)
    assert starts(policy) == {0: 0}
    assert starts(policy, log=measured(0.5, 0.6, 0.6, 0.5, 0.55)) == {0: 0, 40: 1}
    assert starts(policy, log=measured(0.5, 0.6, 0.6, 0.5, 0.55, 0.6)) == {0: 0, 40: 1, 60: 2}
    assert starts(policy, log=measured(0.5, 0.6, 0.6, 0.5, 0.7, 0.6)) == {0: 0, 40: 1}


@pytest.mark.parametrize(
    ("until", "values", "end"),
    [
        (AnyOf((PLATEAU, Duration(50, "%"))), (), 50),
        (AnyOf((PLATEAU, Duration(50, "%"))), (0.5, 0.5, 0.5), 30),
        (AllOf((PLATEAU, Duration(50, "%"))), (0.5, 0.5, 0.5), 50),
        (AllOf((PLATEAU, Duration(20, "%"))), (0.5, 0.5, 0.5), 30),
        (AllOf((PLATEAU, Duration(20, "%"))), (), None),
        (AnyOf((AllOf((PLATEAU, OnMetric(METRIC, 0.9))), Lasts(Duration(70, "st")))), (0.9, 0.8, 0.8), 30),
        (AnyOf((AllOf((PLATEAU, OnMetric(METRIC, 0.9))), Lasts(Duration(70, "st")))), (0.8, 0.8, 0.8), 70),
        (OnMetric(METRIC, 0.3, "below"), (0.5, 0.31, 0.3, 0.1), 30),
    ],
)
def test_the_step_at_which_a_phase_ends(until, values, end):
    expected = {0: 0} if end is None else {0: 0, end: 1}
    assert starts(phases(until, None), log=measured(*values)) == expected


def test_thaw_freeze_again_and_take_turns():
    table = made(2)
    policy = Phases(
        (
            PhaseSpec(OnMetric(METRIC, 0.7), ("backbone",), "heads"),
            PhaseSpec(EPOCH, (), "everything"),
            PhaseSpec(None, ("backbone", "!final"), "again"),
        )
    )
    everything = ["e", "b0", "b1", "norm", "heads.t.w"]
    assert changes(policy, table, 100, 10, measured(0.5, 0.7)) == {0: ["heads.t.w"], 20: everything, 30: []}
    turns = Phases((PhaseSpec(EPOCH, ("blocks",)), PhaseSpec(PLATEAU, ("embeddings",))), repeat=2)
    assert starts(turns, log=measured(0.5, 0.5, 0.5, 0.5, 0.5, 0.5)) == {0: 0, 10: 1, 30: 0, 40: 1}


def test_repeated_phases_hold_in_the_end():
    assert starts(phases(EPOCH, EPOCH, repeat=2)) == {0: 0, 10: 1, 20: 0, 30: 1}
    assert starts(phases(EPOCH, repeat=9)) == {0: 0}


@given(st.integers(1, 4), st.integers(1, 4), st.integers(1, 3), metric_logs(max_step=60))
@settings(max_examples=60)
def test_thawing_on_plateaus_is_phases_that_end_with_plateaus(blocks, size, patience, log):
    table = made(blocks)
    metric = "news/loss"
    short = UnfreezeOnPlateau(metric, patience, 0.1, "min", size)
    groups = -(-blocks // size)
    frozen = [("backbone",)]
    frozen += [("embeddings", f"blocks[0:{max(0, blocks - k * size)}]") for k in range(1, groups + 1)]
    end = OnPlateau(metric, patience, 0.1, "min")
    long = Phases((*(PhaseSpec(end, selectors) for selectors in frozen), PhaseSpec()))
    for step in range(62):
        progress = Progress(step, 60, 10, log)
        assert trained(short, table, progress) == trained(long, table, progress)


@given(
    metric_logs(max_step=60), st.lists(st.sampled_from((PLATEAU, EPOCH, OnMetric(METRIC, 0.5))), max_size=4)
)
def test_phases_follow_each_other_without_running_back(log, untils):
    asked = [phases(*untils, None).phase(Progress(step, 60, 10, log)) for step in range(80)]
    assert asked == sorted(asked)


def test_from_a_recipe_and_back():
    table = {
        "phases": [
            {"until": {"metric": METRIC, "patience": 2}, "freeze": ["backbone"]},
            {"until": {"any": ["5ep", {"all": [{"lasts": "1ep"}, {"metric": METRIC, "threshold": 0.5}]}]}},
            {"until": "9ep"},
            {},
        ]
    }
    made_of_it = make_options(ENTRY, table, None)
    assert made_of_it == Phases(
        (
            PhaseSpec(PLATEAU, ("backbone",)),
            PhaseSpec(AnyOf((Duration(5, "ep"), AllOf((EPOCH, OnMetric(METRIC, 0.5)))))),
            PhaseSpec(Duration(9, "ep")),
            PhaseSpec(),
        )
    )
    assert make_options(ENTRY, dump_options(made_of_it), None) == made_of_it


def test_metrics_tasks_and_stages():
    policy = Phases((PhaseSpec(AnyOf((PLATEAU, OnMetric("b/f1", 1))), ("head.c",), "one"), PhaseSpec()))
    assert policy.metrics() == (METRIC, "b/f1")
    assert policy.tasks() == ("sentiment", "b", "c")
    assert policy.stages() == ("one", 1)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: phases(PLATEAU), "phase 1 of 1 is the last one and may not have an until"),
        (lambda: phases(None, None), "phase 1 of 2 is not the last one and needs an until"),
        (
            lambda: phases(EPOCH, None, repeat=3),
            "phase 2 has no until; each needs one where they are repeated 3 times",
        ),
        (
            lambda: phases(EPOCH, Duration(2, "ep"), repeat=2),
            "phase 2 ends at '2ep' of the run, so it can't be repeated; write until = { lasts = \"2ep\" }",
        ),
    ],
)
def test_errors(build, message):
    with pytest.raises(ValueError, match=r".") as caught:
        build()
    assert str(caught.value) == message
