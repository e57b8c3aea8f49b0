"""The plan equals what the loop did, and the same recipe twice gives the same bytes."""

import json

import pytest
import torch
from engine_recipes import final_bytes, final_checkpoint, of_type, run_recipe, write_recipe
from safetensors.torch import load_file

import mtlkit
from mtlkit.api import preview
from mtlkit.contracts.events import (
    Evaluated,
    FrozenChecked,
    PhaseStarted,
    RunEnded,
    RunStarted,
    StepDone,
    Warned,
)
from mtlkit.engine import loop
from mtlkit.engine.apply import frozen_modules
from mtlkit.engine.session import open_session
from mtlkit.errors import TrainingError

POLICIES = {
    "none": "",
    "all": '[freeze]\nuse = "all"\n',
    "bottom-layers": '[freeze]\nuse = "bottom-layers"\nlayers = 1\n',
    "gradual-unfreeze": '[freeze]\nuse = "gradual-unfreeze"\nevery = "1st"\nstart = "1st"\n',
    "thaw-and-refreeze": (
        '[freeze]\nuse = "phases"\nphases = [{ until = "2st", freeze = ["backbone"] }, '
        '{ until = "4st", freeze = ["heads"] }, { freeze = ["embeddings", "blocks[0]"] }]\n'
    ),
}


@pytest.fixture
def applied(monkeypatch):
    """The trainable sets that the loop applied, and what then required a gradient."""
    seen = []

    def spy(handles, trainable):
        apply_trainable(handles, trainable)
        wants = {
            name
            for name, weight in handles.weights.items()
            if all(p.requires_grad for p in weight.parameters)
        }
        seen.append((trainable, wants))

    apply_trainable = loop.apply_trainable
    monkeypatch.setattr(loop, "apply_trainable", spy)
    return seen


@pytest.mark.parametrize("policy", POLICIES)
def test_the_plan_is_what_the_loop_did(tmp_path, policy, applied):
    result, events = run_recipe(write_recipe(tmp_path, freeze=POLICIES[policy]))
    plan = json.loads((result.run_dir / "plan.json").read_text())
    names = {name for group in plan["groups"] for name in group["weights"]}

    steps = of_type(events, StepDone)
    assert [event.step for event in steps] == list(range(1, plan["steps"] + 1))
    for group, rates in plan["rates"].items():
        assert [[event.step - 1, event.rates[group]] for event in steps] == rates

    phases = of_type(events, PhaseStarted)
    assert [(e.phase, e.step, e.end, e.trainable, e.frozen) for e in phases] == [
        (p["name"], p["start"], p["end"], len(p["trainable"]), len(p["frozen"])) for p in plan["phases"]
    ]
    assert [trainable for trainable, _ in applied] == [set(p["trainable"]) for p in plan["phases"]]
    for (trainable, wants), phase in zip(applied, plan["phases"], strict=True):
        assert wants == trainable
        assert set(phase["trainable"]) | set(phase["frozen"]) == names
    checks = of_type(events, FrozenChecked)
    assert [(e.phase, e.step) for e in checks] == [(p["name"], p["end"]) for p in plan["phases"]]
    assert result.frozen == "unchanged"


def test_every_step_runs_in_the_modes_of_its_phase_also_after_an_evaluation(tmp_path, monkeypatch):
    seen = []
    taken = loop.training_step

    def spy(session, progress, cursors):
        live = {id(p) for _, p in session.built.model.parameters() if p.requires_grad}
        eval_mode = {id(module) for _, module in session.built.model.modules() if not module.training}
        seen.append(eval_mode == frozen_modules(session.built.model, frozenset(live)))
        return taken(session, progress, cursors)

    monkeypatch.setattr(loop, "training_step", spy)
    run_recipe(write_recipe(tmp_path, freeze=POLICIES["bottom-layers"], training='evaluate_every = "1st"'))
    assert len(seen) > 2
    assert all(seen)


def test_events_come_in_order(tmp_path):
    result, events = run_recipe(write_recipe(tmp_path))
    assert isinstance(events[0], RunStarted)
    assert events[-1] == RunEnded(result.steps)
    purposes = [event.purpose for event in of_type(events, Evaluated)]
    assert purposes == ["start", "progress", "progress", "final"]


def test_freezing_all_warns_and_ends_with_equal_weights(tmp_path):
    recipe = write_recipe(tmp_path, freeze=POLICIES["all"])
    untrained = open_session(preview(mtlkit.plan(mtlkit.load(recipe))))
    result, events = run_recipe(recipe)
    (warned,) = of_type(events, Warned)
    assert warned.message == "phase-1: every weight is frozen, nothing will train"
    ended = weights_of(result)
    for name, weight in untrained.handles.weights.items():
        assert torch.equal(weight.parameters[0], ended[name])
    assert all(metric.value == metric.start for metric in result.metrics.values())


def test_the_same_recipe_twice_gives_the_same_bytes_and_so_does_the_resolved_one(tmp_path):
    recipe = write_recipe(tmp_path, freeze=POLICIES["thaw-and-refreeze"])
    one, _ = run_recipe(recipe)
    torch.manual_seed(99)  # whatever the process did before
    two, _ = run_recipe(recipe)
    assert final_bytes(one) == final_bytes(two)
    again, _ = run_recipe(one.run_dir / "recipe.toml")
    assert (again.run_dir / "plan.json").read_bytes() == (one.run_dir / "plan.json").read_bytes()
    assert final_bytes(again) == final_bytes(one)


def weights_of(result):
    return load_file(final_checkpoint(result) / "weights.safetensors")


def differ_by(left, right):
    left, right = weights_of(left), weights_of(right)
    assert left.keys() == right.keys()
    return max(float((left[name] - right[name]).abs().max()) for name in left)


def test_accumulating_is_the_same_as_a_larger_batch(tmp_path):
    settings = {"dropout": 0.0, "more": "", "training": "grad_clip = 1.0"}
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    sgd = ["optimizer.use=sgd", "optimizer.momentum=0.9", "lr.blocks=1e-2", "lr.heads=1e-1"]
    one, _ = run_recipe(write_recipe(tmp_path / "a", **settings), sgd)
    two, _ = run_recipe(write_recipe(tmp_path / "b", batch=8, accumulate=2, **settings), sgd)
    assert one.steps == two.steps
    assert differ_by(one, two) <= 1e-6


def test_the_selected_checkpoint_is_what_the_run_ends_with(tmp_path):
    recipe = write_recipe(tmp_path, length="4ep")
    result, events = run_recipe(recipe, ["selection.metric=sentiment/accuracy"])
    progress = [event for event in of_type(events, Evaluated) if event.purpose == "progress"]
    best = max(progress, key=lambda event: (event.metrics["sentiment/accuracy"], -event.step))
    saved = result.run_dir / "checkpoints" / f"step-{best.step:08d}"
    ended = final_checkpoint(result)
    assert (saved / "weights.safetensors").read_bytes() == (ended / "weights.safetensors").read_bytes()


def test_a_run_of_no_steps_evaluates_and_ends_with_its_initial_weights(tmp_path):
    recipe = write_recipe(tmp_path, length="0st")
    untrained = open_session(preview(mtlkit.plan(mtlkit.load(recipe))))
    result, events = run_recipe(recipe)
    assert events[-1] == RunEnded(0)
    ended = weights_of(result)
    for name, weight in untrained.handles.weights.items():
        assert torch.equal(weight.parameters[0], ended[name])
    assert all(metric.value == metric.start for metric in result.metrics.values())


NAN_HEAD = """
import torch, mtlkit
from mtlkit.builtin.heads.class_options import SequenceClassification
from mtlkit.builtin.heads.sequence_classification import SequenceClassificationHead
from mtlkit.contracts.head import LossTerm

class Broken(SequenceClassificationHead):
    calls = 0
    def loss(self, output, targets):
        term = super().loss(output, targets)
        type(self).calls += 1
        {body}
        return term

@mtlkit.hookimpl
def mtlkit_cards():
    return [mtlkit.Card("head", "broken", "breaks", SequenceClassification, __name__ + ":Broken")]
"""


def broken_head(folder, name, body):
    path = folder / f"{name}.py"
    path.write_text(NAN_HEAD.format(body=body))
    return path


def test_a_loss_that_is_not_finite_stops_the_run_before_a_weight_changes(tmp_path, monkeypatch):
    plugin = broken_head(
        tmp_path,
        "nan_head",
        'term = LossTerm(term.sum * float("nan"), term.count) if self.calls == 3 else term',
    )
    recipe = write_recipe(tmp_path, more="")
    sessions = []
    opened = loop.training_step

    def spy(session, progress, cursors):
        sessions.append({name: p.detach().clone() for name, p in session.built.model.parameters()})
        try:
            return opened(session, progress, cursors)
        except TrainingError:
            sessions.append({name: p.detach().clone() for name, p in session.built.model.parameters()})
            raise

    monkeypatch.setattr(loop, "training_step", spy)
    with pytest.raises(TrainingError) as caught:
        run_recipe(recipe, ["tasks.sentiment.head.use=broken"], [plugin])
    message, advice = caught.value.problems[0].message, caught.value.problems[0].suggestion
    assert message == "the loss of task 'sentiment' is nan at step 2; no weight has been changed by it"
    rows = advice.removeprefix("look at rows ").partition(" of data 'reviews'")[0].split(", ")
    assert len(rows) == 16
    assert all(0 <= int(row) < 60 for row in rows)
    assert len(sessions) == 4
    before, after = sessions[-2:]
    assert all(torch.equal(before[name], after[name]) for name in before)


MEDDLING = """
import torch, mtlkit
from mtlkit.builtin.heads.class_options import SequenceClassification
from mtlkit.builtin.heads.sequence_classification import SequenceClassificationHead

class Meddling(SequenceClassificationHead):
    def loss(self, output, targets):
        import gc
        from mtlkit.builtin.backbones.tiny import Embeddings
        for each in gc.get_objects():
            if type(each) is Embeddings and not each.norm.bias.is_meta:
                with torch.no_grad():
                    each.norm.bias[0] += 1e-6
        return super().loss(output, targets)

@mtlkit.hookimpl
def mtlkit_cards():
    return [mtlkit.Card("head", "meddling", "writes where it may not", SequenceClassification, __name__ + ":Meddling")]
"""


def test_a_plugin_that_writes_to_a_frozen_weight_is_caught_and_the_weight_named(tmp_path):
    plugin = tmp_path / "meddling_head.py"
    plugin.write_text(MEDDLING)
    recipe = write_recipe(tmp_path, more="", freeze=POLICIES["bottom-layers"])
    with pytest.raises(TrainingError) as caught:
        run_recipe(recipe, ["tasks.sentiment.head.use=meddling"], [plugin])
    (problem,) = caught.value.problems
    assert problem.message == "frozen weights moved during phase-1: backbone.embeddings.norm.bias"


FAILING = """
import mtlkit
from attrs import frozen

@frozen
class Options:
    pass

class Failing:
    def __init__(self, options, run_dir):
        pass
    def receive(self, event):
        if type(event).__name__ == "StepDone":
            raise RuntimeError("odd")
    def close(self):
        pass

@mtlkit.hookimpl
def mtlkit_cards():
    return [mtlkit.Card("tracker", "failing", "fails", Options, __name__ + ":Failing")]
"""


def test_a_tracker_that_can_not_write_is_told_of_once_and_goes_on(tmp_path):
    plugin = tmp_path / "silent_tracker.py"
    plugin.write_text(FAILING.replace('RuntimeError("odd")', 'OSError("disk full")'))
    recipe = write_recipe(tmp_path, more="")
    result, events = run_recipe(recipe, ["logging.trackers.failing={}"], [plugin])
    (warned,) = of_type(events, Warned)
    assert warned.message == "tracker 'failing' can't write, and misses events until it can: disk full"
    assert events[-1] == RunEnded(result.steps)


def test_a_failing_tracker_is_dropped_and_the_run_goes_on(tmp_path):
    plugin = tmp_path / "failing_tracker.py"
    plugin.write_text(FAILING)
    recipe = write_recipe(tmp_path, more="")
    result, events = run_recipe(recipe, ["logging.trackers.failing={}"], [plugin])
    (warned,) = of_type(events, Warned)
    assert warned.message == "tracker 'failing' failed and was dropped: RuntimeError: odd"
    assert events[-1] == RunEnded(result.steps)
