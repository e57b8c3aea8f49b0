"""NaN and infinity in metrics, features and accumulated gradients: told with task and metric, never selected."""

import json
from math import inf, isnan, nan

import numpy as np
import pytest
import torch
from attrs import evolve
from engine_recipes import run_recipe, write_recipe
from twins import EVERY_STEP, go_on_from, reference

from mtlkit.builtin.backbones.tiny import TinyBackbone
from mtlkit.builtin.heads.sequence_classification import SequenceClassificationHead
from mtlkit.cli.main import _code
from mtlkit.contracts.events import Evaluated, Selected, StepDone, Warned
from mtlkit.contracts.head import Measure
from mtlkit.contracts.progress import Measurement
from mtlkit.engine.evaluate import scores
from mtlkit.errors import NotFiniteError
from mtlkit.plan.selection import Objective, best, choices

SELECTION = ["selection.metric=sentiment/accuracy", *EVERY_STEP, "training.length=8st"]


@pytest.fixture
def measuring(monkeypatch):
    """Sets the accuracy of every evaluation, one after the other; the last value stays."""
    real = SequenceClassificationHead.metrics

    def values(told):
        left = list(told)

        def metrics(self, predictions, rows):
            value = left.pop(0) if len(left) > 1 else left[0]
            return tuple(
                evolve(each, compute=lambda records: value) if each.name == "accuracy" else each
                for each in real(self, predictions, rows)
            )

        monkeypatch.setattr(SequenceClassificationHead, "metrics", metrics)

    return values


def told_of(value, split, step):
    return (
        f"the metric 'accuracy' of task 'sentiment' is {value} on {split} rows after step {step}; "
        "no evaluation is selected by such a value"
    )


@pytest.mark.parametrize("value", [nan, inf])
def test_such_an_evaluation_is_told_and_not_selected(tmp_path, measuring, value):
    measuring([0.1, 0.2, value, 0.4, 0.3, 0.5])  # before training, after steps 2, 4, 6, 8, and the last
    result, events = run_recipe(write_recipe(tmp_path, more=""), SELECTION)
    chosen = [event.step for event in events if isinstance(event, Selected) and event.of == ""]
    assert chosen == [2, 6]
    assert [event.message for event in events if isinstance(event, Warned)] == [
        told_of(value, "validation", 4)
    ]
    assert result.best[""].score == 0.4


def test_where_all_are_none_is_selected_and_the_run_ends(tmp_path, measuring):
    measuring([nan])
    result, events = run_recipe(write_recipe(tmp_path, more=""), SELECTION)
    assert not [event for event in events if isinstance(event, Selected)]
    assert len([event for event in events if isinstance(event, Warned)]) == 6
    assert (result.steps, result.best) == (8, {})
    final = result.metrics["sentiment/accuracy"]
    assert all(map(isnan, (final.value, final.low, final.high, final.start)))


def test_on_the_command_line_it_is_null(tmp_path, measuring, capsys):
    measuring([nan])
    recipe = write_recipe(tmp_path, more="", length="2st")
    assert _code(["run", str(recipe), "--out", str(tmp_path / "runs"), "--json"]) == 0
    printed, told = capsys.readouterr()

    def refused(constant):
        raise ValueError(constant)

    assert json.loads(printed, parse_constant=refused)["metrics"]["sentiment/accuracy"]["value"] is None
    assert f"warning: {told_of(nan, 'test', 2)}" in told


def test_a_run_with_such_evaluations_goes_on_exactly(tmp_path, monkeypatch):
    """The value follows from the weights, so that it comes again."""
    real = SequenceClassificationHead.metrics

    def metrics(self, predictions, rows):
        value = nan if len({str(each) for each in predictions}) == 1 else inf
        return tuple(evolve(each, compute=lambda records: value) for each in real(self, predictions, rows))

    monkeypatch.setattr(SequenceClassificationHead, "metrics", metrics)
    run = reference(tmp_path, ["selection.metric=sentiment/accuracy"], length="6st", more="")
    for step in range(1, 6):
        go_on_from(run, step, tmp_path)


@pytest.mark.parametrize(
    ("mode", "value", "counts"),
    [("max", inf, False), ("max", -inf, True), ("min", -inf, False), ("min", inf, True), ("max", nan, False)],
)
def test_infinitely_bad_is_an_evaluation_infinitely_good_is_none(mode, value, counts):
    objective = Objective({"a/x": 1.0}, mode)
    log = [Measurement(1, "a/x", value), Measurement(2, "a/x", 0.5)]
    assert [choice.step for choice in choices(objective, log)] == ([1, 2] if counts else [2])
    assert best(objective, log).step == 2


def test_an_interval_of_which_samples_have_no_value_is_none(tmp_path):
    """As a correlation has where all drawn rows are alike; scipy would warn of another method."""
    rows = np.array([0.0] * 9 + [1.0])
    measure = Measure("x", rows, lambda drawn: nan if drawn.min() == drawn.max() else 0.5, True)
    found = scores({"a/x": measure}, 0)["a/x"]
    assert (found.value, isnan(found.low), isnan(found.high)) == (0.5, True, True)


def test_infinities_that_cancel_are_none():
    log = [Measurement(1, "a/x", inf), Measurement(1, "b/x", inf)]
    assert choices(Objective({"a/x": 1.0, "b/x": -1.0}), log) == ()


@pytest.mark.parametrize("value", [nan, inf])
@pytest.mark.parametrize("at", [1, 2, 3, 4])
def test_a_gradient_in_any_part_of_an_accumulated_step(tmp_path, monkeypatch, at, value):
    """Step 1 has the parts 1 and 2, step 2 the parts 3 and 4: the weights are those before the step."""
    real, calls = SequenceClassificationHead.loss, []

    def loss(self, output, targets):
        if output.requires_grad:
            calls.append(1)
            if len(calls) == at:
                output.register_hook(lambda gradient: gradient * value)
        return real(self, output, targets)

    monkeypatch.setattr(SequenceClassificationHead, "loss", loss)
    steps = []
    with pytest.raises(NotFiniteError) as caught:
        run_recipe_noting(write_recipe(tmp_path, more="", accumulate=2, batch=8), EVERY_STEP, steps)
    assert f"is not finite at step {(at - 1) // 2}; no weight has been changed by it" in str(caught.value)
    assert steps == list(range(1, (at - 1) // 2 + 1))


def run_recipe_noting(recipe, overrides, steps):
    import mtlkit

    def hear(event):
        if isinstance(event, StepDone):
            steps.append(event.step)

    mtlkit.run(mtlkit.plan(mtlkit.load(recipe, overrides)), recipe.parent / "runs", on_event=hear)


@pytest.mark.parametrize("value", [nan, inf])
def test_features_that_are_not_finite(tmp_path, monkeypatch, value):
    """As of an input: the loss tells of it, with the rows, before a weight changes."""
    real = TinyBackbone.forward

    def forward(self, batch):
        found = real(self, batch)
        return evolve(found, tokens=found.tokens * (value if torch.is_grad_enabled() else 1.0))

    monkeypatch.setattr(TinyBackbone, "forward", forward)
    steps = []
    with pytest.raises(
        NotFiniteError, match=r"the loss of task 'sentiment' is nan at step 0.*look at rows \d+, "
    ):
        run_recipe_noting(write_recipe(tmp_path, more=""), (), steps)
    assert steps == []


def test_nothing_is_said_of_numbers(tmp_path, measuring):
    measuring([0.5])
    _, events = run_recipe(write_recipe(tmp_path, more="", length="2st"), SELECTION[:1])
    assert not [event for event in events if isinstance(event, Warned) and "metric" in event.message]
    assert [event.purpose for event in events if isinstance(event, Evaluated)] == [
        "start",
        "progress",
        "final",
    ]
