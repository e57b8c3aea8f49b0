"""Soft freezing and gated gradients inside the engine."""

import pytest
import torch
from engine_recipes import of_type, run_recipe, write_recipe
from torch import nn

import mtlkit
from mtlkit.api import preview
from mtlkit.contracts.backbone import Features
from mtlkit.contracts.events import StepDone
from mtlkit.contracts.params import ParamTable, Row
from mtlkit.engine.apply import Handles, apply_trainable
from mtlkit.engine.digest import tensor_digest
from mtlkit.engine.fisher import measure_importance
from mtlkit.engine.gradients import gated
from mtlkit.engine.loop import train
from mtlkit.engine.model import Model
from mtlkit.engine.session import TRAIN, open_session
from mtlkit.engine.soft import SoftFreeze, mixed
from mtlkit.errors import RecipeError

SOFT = '\n[[regularizer]]\nuse = "{}"\n{}\n'


def opened(folder, **changes):
    folder.mkdir(exist_ok=True)
    return open_session(preview(mtlkit.plan(mtlkit.load(write_recipe(folder, **changes)))))


def trained(folder, **changes):
    session = opened(folder, **changes)
    events = list(train(session, folder / "checkpoints"))
    return session, events


def distance(session, start):
    return sum(
        float((weight.parameters[0].detach() - start[name]).square().sum())
        for name, weight in session.handles.weights.items()
        if name.startswith("backbone.")
    )


def weights_of(session):
    return {name: w.parameters[0].detach().clone() for name, w in session.handles.weights.items()}


def test_the_harder_the_pull_the_less_the_backbone_moves(tmp_path):
    moved = {}
    for strength in (0.0, 1.0, 100.0):
        folder = tmp_path / str(strength)
        folder.mkdir()
        start = weights_of(opened(folder))
        session, events = trained(folder, freeze=SOFT.format("l2-sp", f"strength = {strength}"))
        moved[strength] = distance(session, start)
        penalties = [event.penalties["l2-sp"] for event in events if isinstance(event, StepDone)]
        assert penalties[0] == 0
        assert (max(penalties) > 0) == (strength > 0)
    assert moved[0.0] > moved[1.0] > moved[100.0] > 0


def test_a_penalty_of_strength_zero_changes_no_byte(tmp_path):
    plain, _ = trained(tmp_path / "a")
    soft, _ = trained(tmp_path / "b", freeze=SOFT.format("l2-sp", "strength = 0.0"))
    there = weights_of(soft)
    assert all(torch.equal(value, there[name]) for name, value in weights_of(plain).items())


@pytest.mark.parametrize("use", ["l2-sp", "mixout", "ewc"])
def test_a_frozen_weight_is_never_touched(tmp_path, use):
    tables = '[[freeze]]\nuse = "bottom-layers"\nlayers = 1\n' + SOFT.format(use, "")
    before = weights_of(opened(tmp_path / "before", freeze=tables))
    session, _ = trained(tmp_path / "after", freeze=tables)
    frozen = [row.name for row in session.built.table if row.owner == "backbone" and row.depth <= 1]
    assert len(frozen) > 10
    after = weights_of(session)
    for name in frozen:
        assert tensor_digest(after[name]) == tensor_digest(before[name]), name
    moved = [name for name in after if not torch.equal(after[name], before[name])]
    assert any(name.startswith("backbone.") for name in moved)


def tied_model():
    torch.manual_seed(0)
    linear, twin, turned = (nn.Linear(3, 3, bias=False) for _ in range(3))
    twin.weight = nn.Parameter(linear.weight.data)
    turned.weight = nn.Parameter(linear.weight.data.t())
    return Model(nn.ModuleList([linear, twin, turned, nn.Linear(3, 2)]), {})


class Halves:
    """Replaces every weight by its half; a fifth of the gradient comes back."""

    fisher_rows = 0

    def penalty(self, weights):
        return None

    def mix(self, weight, generator):
        from mtlkit.contracts.regularizer import Mixed

        factor = torch.arange(weight.start.numel(), dtype=torch.float32).reshape(weight.start.shape)
        return Mixed(weight.value.detach() * 0.5, factor)


def soft_of(handles, names):
    rows = tuple(Row(name, (3, 3), "backbone", "block", 1, "weight") for name in names)
    starts = {name: handles.parameters(name)[0].detach().clone() for name in names}
    return SoftFreeze("halves", Halves(), ParamTable(rows, 1), starts, {})


def test_mixed_weights_are_put_back_bit_for_bit_ties_and_views_included():
    model = tied_model()
    handles = Handles.of(model)
    names = list(handles.weights)
    apply_trainable(handles, frozenset(names))
    tied = next(name for name in names if len(handles.parameters(name)) == 3)
    before = {name: handles.parameters(name)[0].detach().clone() for name in names}
    linear, twin, turned, _ = model.backbone
    rows = torch.randn(4, 3)
    with mixed([soft_of(handles, [tied])], handles, 1, "test"):
        assert torch.equal(linear.weight.detach(), before[tied] * 0.5)
        (linear(rows).sum() + twin(rows).sum() + turned(rows).sum()).backward()
    for name in names:
        assert torch.equal(handles.parameters(name)[0].detach(), before[name]), name
    factor = torch.arange(9.0).reshape(3, 3)
    plain = rows.sum(0).expand(3, 3)
    assert torch.allclose(linear.weight.grad, plain * factor)
    assert torch.allclose(twin.weight.grad, plain * factor)
    assert torch.allclose(turned.weight.grad, plain * factor.t())


def test_mixed_weights_are_put_back_after_an_error():
    model = tied_model()
    handles = Handles.of(model)
    apply_trainable(handles, frozenset(handles.weights))
    name = next(iter(handles.weights))
    before = handles.parameters(name)[0].detach().clone()
    with pytest.raises(KeyError), mixed([soft_of(handles, [name])], handles, 1, "test"):
        raise KeyError("in the forward pass")
    assert torch.equal(handles.parameters(name)[0].detach(), before)
    assert not handles.parameters(name)[0]._backward_hooks


def test_the_importance_is_the_mean_of_squared_gradients_of_single_rows(tmp_path):
    session = opened(tmp_path, more="", freeze=SOFT.format("ewc", "rows = 5"), dropout=0.0)
    measure_importance(session)
    [soft] = session.soft
    assert set(soft.importance) == set(soft.starts)
    assert all(not weight.parameters[0].requires_grad for weight in session.handles.weights.values())
    from mtlkit.engine.seeds import permutation

    [readers] = session.readers
    order = permutation(len(session.data["reviews"].splits[TRAIN]), session.plan.seed, "fisher", "reviews")
    apply_trainable(session.handles, frozenset(soft.starts))
    name = next(iter(soft.starts))
    squares = []
    for position in order[:5].tolist():
        outputs = readers.outputs(session.encoder, readers.take(session.encoder, TRAIN, [position]))
        head = readers.heads["sentiment"]
        loss = head.loss(
            outputs["sentiment"], head.targets(session.data["reviews"].records(TRAIN, [position]))
        )
        [gradient] = torch.autograd.grad(loss.sum, [session.handles.parameters(name)[0]])
        squares.append(gradient.square())
    assert torch.allclose(soft.importance[name], torch.stack(squares).mean(0))
    assert soft.importance[name].any()


def test_a_selector_of_a_regularizer_that_matches_nothing_is_placed(tmp_path):
    path = write_recipe(tmp_path, freeze=SOFT.format("l2-sp", 'weights = ["blocks[7]"]'))
    with pytest.raises(RecipeError) as caught:
        preview(mtlkit.plan(mtlkit.load(path)))
    [problem] = caught.value.problems
    assert problem.path == "regularizer[0].weights[0]"
    assert problem.line > 0


@pytest.mark.parametrize("scale", [0.0, 0.25, 1.0, 2.0])
def test_the_gradient_is_scaled_and_the_value_is_not(scale):
    tokens = torch.randn(2, 3, 4, requires_grad=True)
    features = Features(tokens, torch.ones(2, 3, dtype=torch.bool), torch.zeros(2, 3))
    through = gated(features, scale)
    assert torch.equal(through.tokens, tokens)
    loss = (through.tokens * torch.arange(4.0)).sum()
    if scale:
        loss.backward()
        assert torch.allclose(tokens.grad, torch.arange(4.0).expand(2, 3, 4) * scale)
    else:
        assert not loss.requires_grad


def test_a_task_without_backbone_gradient_leaves_it_to_the_other_tasks(tmp_path):
    gate = (
        'backbone_grad = {}\n[tasks.other]\ndata = "reviews"\nhead = {{ use = "sequence-classification" }}\n'
    )
    start = weights_of(opened(tmp_path / "start", more=gate.format("0")))
    session, _ = trained(tmp_path / "none", more="backbone_grad = 0\n")
    assert all(
        torch.equal(value, start[name])
        for name, value in weights_of(session).items()
        if name.startswith("backbone.")
    )
    both, _ = trained(tmp_path / "both", more=gate.format("0"))
    assert distance(both, start) > 0


def test_a_gate_on_a_curve_opens_with_it(tmp_path):
    table = 'backbone_grad = { scale = 0.5, curve = { use = "linear", warmup = "3st" } }\n'
    result, events = run_recipe(write_recipe(tmp_path, more=table, length="4st"))
    steps = of_type(events, StepDone)
    assert len(steps) == 4
    assert "scale = 0.5" in (result.run_dir / "recipe.toml").read_text()


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ('"half"', "tasks.sentiment.backbone_grad"),
        ("-1.0", "tasks.sentiment.backbone_grad"),
        ("{ scal = 1.0 }", "scal"),
    ],
)
def test_a_wrong_gate_is_placed(tmp_path, value, told):
    with pytest.raises(RecipeError) as caught:
        mtlkit.load(write_recipe(tmp_path, more=f"backbone_grad = {value}\n"))
    assert told in str(caught.value)
    assert ":27:" in str(caught.value) or ":26:" in str(caught.value)
