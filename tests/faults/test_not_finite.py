"""NaN and infinity in losses, gradients, penalties and buffers: stopped before a weight changes, or skipped."""

import pytest
import torch
from engine_recipes import write_recipe
from twins import EVERY_STEP, go_on_from, reference

import mtlkit
from mtlkit.contracts.events import Skipped, StepDone
from mtlkit.engine.checkpoint import newest, read, verify
from mtlkit.errors import NotFiniteError

PLUGIN = """
import mtlkit, torch
from mtlkit.builtin.heads.class_options import SequenceClassification
from mtlkit.builtin.heads.sequence_classification import SequenceClassificationHead
from mtlkit.contracts.head import LossTerm

class Broken(SequenceClassificationHead):
    def __init__(self, *words):
        super().__init__(*words)
        self.register_buffer("calls", torch.zeros(()))
        self.register_buffer("seen", torch.zeros(()))

    def loss(self, output, targets):
        term = super().loss(output, targets)
        if not torch.is_grad_enabled() or not self.training:
            return term
        self.calls += 1
        if self.calls == 3 or self.seen.isnan():
            {body}
        return term

@mtlkit.hookimpl
def mtlkit_cards():
    return [mtlkit.Card("head", "not-finite", "breaks", SequenceClassification, __name__ + ":Broken")]
"""
BODIES = {
    "nan in the loss": 'return LossTerm(term.sum * float("nan"), term.count)',
    "infinity in the loss": 'return LossTerm(term.sum * float("inf"), term.count)',
    "nan in the gradient": 'output.register_hook(lambda gradient: gradient * float("nan"))',
    "nan in a buffer": 'self.seen.fill_(float("nan")); return LossTerm(term.sum + self.seen, term.count)',
}
TOLD = {
    "nan in the loss": "the loss of task 'sentiment' is nan at step 2; no weight has been changed by it",
    "infinity in the loss": "the loss of task 'sentiment' is inf at step 2; no weight has been changed by it",
    "nan in the gradient": "is not finite at step 2; no weight has been changed by it",
    "nan in a buffer": "the loss of task 'sentiment' is nan at step 2; no weight has been changed by it",
}


@pytest.fixture(scope="module")
def plugins(tmp_path_factory):
    folder = tmp_path_factory.mktemp("plugins")
    found = {}
    for how, body in BODIES.items():
        found[how] = folder / f"broken_{how.replace(' ', '_')}.py"
        found[how].write_text(PLUGIN.replace("{body}", body))
    return found


def plan_of(folder, plugin, *more):
    settings = ["tasks.sentiment.head.use=not-finite", *EVERY_STEP, *more]
    return mtlkit.plan(mtlkit.load(write_recipe(folder, more=""), settings, [plugin]))


@pytest.mark.parametrize("how", BODIES)
def test_by_default_the_run_stops_before_a_weight_changes(tmp_path, plugins, how):
    with pytest.raises(NotFiniteError) as caught:
        mtlkit.run(plan_of(tmp_path, plugins[how]), tmp_path / "runs")
    (problem,) = caught.value.problems
    assert problem.message.endswith(TOLD[how])
    assert "look at rows " in problem.suggestion
    assert "of data 'reviews'" in problem.suggestion
    (run_dir,) = (path.parent for path in tmp_path.glob("runs/*/*/recipe.toml"))
    whole, damaged = newest(run_dir / "checkpoints")
    assert (whole.name, damaged, verify(whole)) == ("step-00000002", [], [])


@pytest.mark.parametrize("how", BODIES)
def test_a_step_is_skipped_where_the_recipe_wants_it(tmp_path, plugins, how):
    events = []
    result = mtlkit.run(
        plan_of(tmp_path, plugins[how], "training.on_nonfinite=skip", "training.length=5st"),
        tmp_path / "runs",
        on_event=events.append,
    )
    skipped = [event for event in events if isinstance(event, Skipped)]
    assert [event.step for event in skipped] == [3, 4, 5]  # the call is taken back each time, and comes again
    assert all(TOLD[how].partition(" at step")[0] in event.reason for event in skipped)
    assert [warning for warning in result.warnings if warning.startswith("skipped: ")]
    steps = [event for event in events if isinstance(event, StepDone)]
    assert [event.rows["reviews"] for event in steps] == [16] * 5
    before, after = (read(result.run_dir / "checkpoints" / f"step-0000000{step}") for step in (2, 4))
    assert all(torch.equal(before.weights[name], after.weights[name]) for name in before.weights)
    assert all(torch.equal(before.state[name], after.state[name]) for name in before.state)
    assert after.cursors == {"reviews": 64}


def test_a_run_that_skipped_steps_goes_on_exactly(tmp_path, plugins):
    settings = ["tasks.sentiment.head.use=not-finite", "training.on_nonfinite=skip", "logging.every=3st"]
    run = reference(tmp_path, settings, [plugins["nan in the loss"]], last=6, accumulate=1, batch=16)
    for step in (1, 2, 3, 4):
        go_on_from(run, step, tmp_path)
