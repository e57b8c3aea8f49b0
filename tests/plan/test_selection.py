"""The rules of selection and early stopping, as functions of the metric log."""

from math import inf, nan
from types import SimpleNamespace

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from mtlkit.contracts.progress import Measurement
from mtlkit.plan.model import SelectionPlan
from mtlkit.plan.selection import Choice, Objective, best, choices, enough, idle, lower_is_better

A, B = "a/accuracy", "b/rmse"
VALUES = st.lists(st.one_of(st.integers(0, 5).map(float), st.just(nan)), max_size=12)
MODES = st.sampled_from(["max", "min"])


def log_of(values, name=A, first=1):
    return [Measurement(step, name, value) for step, value in enumerate(values, first)]


def known(values):
    return [(step, value) for step, value in enumerate(values, 1) if value == value]


@given(VALUES, MODES)
def test_the_best_is_the_earliest_of_the_highest_or_lowest(values, mode):
    found = best(Objective({A: 1.0}, mode), log_of(values))
    scored = known(values)
    if not scored:
        assert found is None
    else:
        top = max(scored, key=lambda each: (each[1] if mode == "max" else -each[1], -each[0]))
        assert found == Choice(*top)


@given(VALUES, st.integers(1, 4), st.integers(0, 2), MODES)
def test_a_run_ends_at_the_first_evaluation_where_patience_runs_out(values, patience, delta, mode):
    """By the sentence of the documentation: the last `patience` evaluations are no better, by more than delta, than before."""
    objective = Objective({A: 1.0}, mode)
    scores = [value if mode == "max" else -value for _, value in known(values)]
    held, since = -inf, 0
    for score in scores:
        held, since = (score, 0) if score > held + delta or held == -inf else (held, since + 1)
    assert idle(objective, log_of(values), delta) == since
    selection = SelectionPlan({A: 1.0}, mode, patience=patience, min_delta=delta)
    assert enough(selection, log_of(values)) == (since >= patience)


@given(VALUES, st.integers(1, 4))
def test_more_evaluations_never_undo_patience_without_something_better(values, patience):
    selection = SelectionPlan({A: 1.0}, patience=patience)
    log = log_of(values)
    if enough(selection, log):
        worst = [*log, Measurement(len(values) + 1, A, -1.0)]
        assert enough(selection, worst)


@given(VALUES, VALUES)
def test_other_entries_of_the_log_change_nothing(values, others):
    objective = Objective({A: 1.0})
    mixed = sorted([*log_of(values), *log_of(others, "gradient norm")], key=lambda entry: entry.step)
    assert best(objective, mixed) == best(objective, log_of(values))


def test_no_patience_never_ends():
    assert not enough(None, log_of([1.0] * 9))
    assert not enough(SelectionPlan({A: 1.0}), log_of([1.0] * 9))


def test_a_weighted_score_is_a_mean():
    objective = Objective({A: 1.0, B: -3.0})
    assert objective.score({A: 0.8, B: 0.2}, {}) == pytest.approx((0.8 - 0.6) / 4)
    assert objective.score({A: 0.8}, {}) is None
    assert objective.score({A: 0.8, B: nan}, {}) is None
    assert str(objective) == "1·a/accuracy - 3·b/rmse"
    assert str(Objective({A: 0.25})) == A


@pytest.mark.parametrize(
    ("weight", "mode", "value", "start", "wanted"),
    [
        (1.0, "max", 0.75, 0.5, 0.5),
        (1.0, "max", 0.25, 0.5, -0.5),
        (1.0, "max", 0.9, 1.0, -0.1),
        (-1.0, "max", 1.0, 4.0, 0.75),
        (-1.0, "max", 0.0, 0.0, 0.0),
        (1.0, "min", 1.0, 4.0, -0.75),
    ],
)
def test_a_relative_metric_is_its_way_to_perfection(weight, mode, value, start, wanted):
    objective = Objective({A: weight}, mode, relative=True)
    assert objective.score({A: value}, {A: start}) == pytest.approx(wanted)
    assert objective.score({A: value}, {}) is None


def test_a_relative_score_starts_at_0_and_is_1_at_perfection():
    objective = Objective({A: 2.0, B: -1.0}, relative=True)
    start = {A: 0.4, B: 3.0}
    assert objective.score(start, start) == 0.0
    assert objective.score({A: 1.0, B: 0.0}, start) == pytest.approx(1.0)
    assert str(objective) == "the relative 2·a/accuracy - 1·b/rmse"


def test_what_was_measured_before_training_is_no_choice():
    log = [*log_of([0.5, 0.75], first=0), *log_of([2.0, 1.0], B, first=0)]
    assert choices(Objective({A: 1.0}), log) == (Choice(1, 0.75),)
    assert choices(Objective({A: 1.0}, relative=True), log) == (Choice(1, 0.5),)
    assert choices(Objective({A: 1.0, B: -1.0}, relative=True), log) == (Choice(1, 0.5),)


def test_selection_plans_are_values():
    assert evolve(SelectionPlan({A: 1.0}), patience=2) == SelectionPlan({A: 1.0}, patience=2)


def test_metrics_of_which_lower_is_better():
    assert not lower_is_better("rmse", object())
    assert not lower_is_better("rmse", SimpleNamespace(lower_is_better=("regret",)))
    assert lower_is_better("regret", SimpleNamespace(lower_is_better=("regret",)))
