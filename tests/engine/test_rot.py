"""A head that stands still while the backbone moves: its task is evaluated and the change is told."""

import re

import pytest
from engine_recipes import of_type, run_recipe, write_recipe

import mtlkit
from mtlkit.contracts.events import (
    Evaluated,
    FrozenChecked,
    PhaseStarted,
    RunEnded,
    StepDone,
    StoppedEarly,
    Warned,
)
from mtlkit.contracts.params import ParamTable, Row
from mtlkit.engine.rot import decay_of
from mtlkit.plan.rot import standing_heads

HEAD = '[freeze]\nuse = "head"\ntask = "sentiment"\n'


def told(events):
    return [event.message for event in of_type(events, Warned) if "was frozen while" in event.message]


def test_the_change_of_a_frozen_heads_task_is_told(tmp_path):
    _, events = run_recipe(write_recipe(tmp_path, freeze=HEAD, length="4st"))
    [message] = told(events)
    found = re.fullmatch(
        r"the head of task 'sentiment' was frozen while the backbone trained: "
        r"sentiment/accuracy went from (\d\.\d{3}) to (\d\.\d{3})",
        message,
    )
    start, *_, final = of_type(events, Evaluated)
    assert found.groups() == tuple(f"{each.metrics['sentiment/accuracy']:.3f}" for each in (start, final))


def test_nothing_is_told_where_no_head_stands_still_or_no_backbone_moves(tmp_path):
    for number, freeze in enumerate(("", '[freeze]\nuse = "backbone"\n')):
        folder = tmp_path / str(number)
        folder.mkdir()
        _, events = run_recipe(write_recipe(folder, freeze=freeze, length="2st"))
        assert told(events) == []


def test_heads_stand_where_only_the_backbone_trains():
    owners = ("backbone", "a", "b")
    table = ParamTable(tuple(Row(f"{o}.w", (1,), o, "head", 2, "weight") for o in owners), 1)
    assert standing_heads(table, frozenset({"backbone.w", "a.w"})) == {"b"}
    assert standing_heads(table, frozenset({"a.w"})) == frozenset()
    assert standing_heads(table, frozenset({"backbone.w"})) == {"a", "b"}


def test_the_primary_metric_is_compared():
    final = {"a/f1": 0.5, "a/loss": 2.0, "b/f1": 0.1}
    assert list(decay_of(frozenset({"a"}), {"a/f1": 0.9, "a/loss": 1.0}, final)) == [("a/f1", 0.9, 0.5)]
    assert list(decay_of(frozenset({"b"}), {}, final)) == []


GUARDS = """
[guards]
frozen_head = "{action}"
tolerance = {tolerance}
refit = "3st"
"""
WORSE = "training.evaluate_every=2st"


def guarded(folder, action, tolerance, length="6st"):
    folder.mkdir(exist_ok=True)
    recipe = write_recipe(
        folder, freeze=HEAD + GUARDS.format(action=action, tolerance=tolerance), length=length
    )
    return run_recipe(recipe, [WORSE])


def falling(monkeypatch, *values):
    """The accuracy that evaluations of validation rows find, whatever the model says."""
    from mtlkit.engine import loop

    real, left = loop._evaluated, list(values)

    def evaluated(run, split, step, purpose):
        event = real(run, split, step, purpose)
        if purpose != "progress":
            return event
        from attrs import evolve

        return evolve(event, metrics={**event.metrics, "sentiment/accuracy": left.pop(0)})

    monkeypatch.setattr(loop, "_evaluated", evaluated)


def test_a_run_stops_once_the_task_of_a_frozen_head_is_worse(tmp_path, monkeypatch):
    falling(monkeypatch, 0.9, 0.89, 0.7, 0.1)
    _, events = guarded(tmp_path, "stop", 0.1)
    [stopped] = of_type(events, StoppedEarly)
    assert (stopped.step, stopped.steps) == (4, 6)
    assert stopped.reason == (
        "the head of task 'sentiment' is frozen while the backbone trains, and sentiment/accuracy went from "
        "0.900 to 0.700"
    )
    assert [event.step for event in of_type(events, StepDone)] == [1, 2, 3, 4]
    assert of_type(events, RunEnded) == [RunEnded(4)]
    assert [event.step for event in of_type(events, Evaluated) if event.purpose == "progress"] == [0, 2, 4]


def test_within_the_tolerance_it_goes_on(tmp_path, monkeypatch):
    falling(monkeypatch, 0.9, 0.89, 0.85, 0.8)
    _, events = guarded(tmp_path, "stop", 0.2)
    assert of_type(events, StoppedEarly) == []
    assert of_type(events, RunEnded) == [RunEnded(6)]


def test_a_head_that_became_worse_is_fitted_again_and_nothing_else_moves(tmp_path, monkeypatch):
    falling(monkeypatch, 0.9, 0.8, 0.7, 0.6, 0.6)
    result, events = guarded(tmp_path, "refit", 0.1)
    phases = of_type(events, PhaseStarted)
    assert [(phase.step, phase.phase, phase.end) for phase in phases] == [(0, "phase-1", 6), (6, "refit", 9)]
    assert phases[1].trainable == 2
    assert len(of_type(events, FrozenChecked)) == 2
    assert result.frozen == "unchanged"
    rates = [event.rates["head.sentiment"] for event in of_type(events, StepDone)]
    assert rates[:6] == [0.0] * 6
    assert max(rates[6:]) == 1e-2
    assert of_type(events, RunEnded) == [RunEnded(9)]


def test_a_head_that_held_is_not_fitted_again(tmp_path, monkeypatch):
    falling(monkeypatch, 0.9, 0.9, 0.9, 0.9)
    _, events = guarded(tmp_path, "refit", 0.1)
    [stopped] = of_type(events, StoppedEarly)
    assert (stopped.step, stopped.steps) == (6, 9)
    assert stopped.reason == "no frozen head became worse by more than 0.1, so none is fitted again"
    assert of_type(events, RunEnded) == [RunEnded(6)]


@pytest.mark.parametrize("action", ["stop", "refit"])
def test_without_a_frozen_head_the_bytes_are_those_of_a_plain_run(tmp_path, action):
    found = []
    for number, guards in enumerate(("", GUARDS.format(action=action, tolerance=0.0))):
        folder = tmp_path / str(number)
        folder.mkdir()
        result, _ = run_recipe(write_recipe(folder, freeze=guards, length="3st"))
        found.append((result.run_dir / "checkpoints" / "step-00000003" / "weights.safetensors").read_bytes())
    assert found[0] == found[1]
    assert mtlkit.open_run(result.run_dir).tasks == ("sentiment", "pairs")
