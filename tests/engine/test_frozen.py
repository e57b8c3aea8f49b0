"""Frozen means frozen, bit for bit: generated models × every optimizer × policies."""

import torch
from engine_optimizers import OPTIMIZERS, optimizer_over
from hypothesis import given, settings
from hypothesis import strategies as st

from mtlkit.builtin.curves.constant import Constant
from mtlkit.builtin.freeze.all import FreezeAll
from mtlkit.builtin.freeze.backbone import FreezeBackbone
from mtlkit.builtin.freeze.bottom_layers import BottomLayers
from mtlkit.builtin.freeze.embeddings import FreezeEmbeddings
from mtlkit.builtin.freeze.gradual_unfreeze import GradualUnfreeze
from mtlkit.builtin.freeze.none import FreezeNone
from mtlkit.builtin.freeze.pattern import Pattern
from mtlkit.builtin.freeze.phases import Phases, PhaseSpec
from mtlkit.builtin.freeze.top_layers import TopLayers
from mtlkit.builtin.lr.layer_wise import LayerWise
from mtlkit.contracts.duration import Duration
from mtlkit.contracts.freeze import FreezePolicy
from mtlkit.contracts.params import ParamTable, Row
from mtlkit.engine.apply import Handles, apply_rates, apply_trainable
from mtlkit.engine.digest import frozen_digests
from mtlkit.engine.model import Model
from mtlkit.engine.ties import fold_gradients, ready_gradients
from mtlkit.plan.timeline import Timeline
from mtlkit.testing.models import build_module, loss_of, model_specs, table_of

STEPS = 4
REFREEZE = Phases(
    (
        PhaseSpec(Duration(1, "st"), ("backbone",)),
        PhaseSpec(Duration(2, "st"), ("embeddings",)),
        PhaseSpec(Duration(3, "st"), ("blocks", "heads")),
        PhaseSpec(None, ("backbone",)),
    )
)
POLICIES = [
    FreezeNone(),
    FreezeAll(),
    FreezeBackbone(),
    FreezeEmbeddings(),
    BottomLayers(layers=1),
    TopLayers(layers=1),
    Pattern(freeze=("*.1.*",)),
    GradualUnfreeze(every=Duration(1, "st")),
    REFREEZE,
]


class Scattered(FreezePolicy):
    """Another pseudo-random set in every step; no policy of ours is as wild."""

    def phase(self, progress):
        return progress.step

    def trainable(self, row: Row, table: ParamTable, phase):
        return (hash((table.names.index(row.name), phase)) >> 3) % 2 == 0


policies = st.lists(st.sampled_from([*POLICIES, Scattered()]), min_size=1, max_size=2)
kinds = st.sampled_from(sorted(OPTIMIZERS))


def timeline_of(table, chosen):
    return Timeline(tuple(chosen), LayerWise(0.1, 0.2, 0.3), Constant(), table, STEPS, 2)


def frozen_bytes(handles, trainable):
    """The bytes of every frozen weight, read through every name, and of all buffers below frozen modules."""
    live = {id(p) for name in trainable for p in handles.parameters(name)}
    found = {
        name: parameter.detach().clone()
        for name, parameter in handles.model.parameters()
        if id(parameter) not in live
    }
    for prefix, part in handles.model.parts():
        for path, module in part.named_modules():
            below = list(module.parameters())
            if below and not any(id(parameter) in live for parameter in below):
                for leaf, buffer in module.named_buffers():
                    found[f"{prefix}{path}.{leaf}"] = buffer.clone()
    return found


def same_bits(left, right):
    return left.shape == right.shape and torch.equal(
        left.contiguous().reshape(-1).view(torch.uint8), right.contiguous().reshape(-1).view(torch.uint8)
    )


def read_again(handles, names):
    now = dict(handles.model.parameters()) | {
        f"{prefix}{path}.{leaf}": buffer
        for prefix, part in handles.model.parts()
        for path, module in part.named_modules()
        for leaf, buffer in module.named_buffers()
    }
    return {name: now[name].detach() for name in names}


def left_over_gradients(handles):
    for weight in handles.weights.values():
        for parameter in weight.parameters:
            if parameter.requires_grad:
                parameter.grad = torch.ones_like(parameter)


def backward_and_step(handles, optimizer, step):
    torch.manual_seed(step)
    loss = loss_of(handles.model)
    if loss.requires_grad:
        loss.backward()
    ready_gradients(handles.weights.values())
    optimizer.step()


@settings(max_examples=400)
@given(model_specs(), kinds, policies)
def test_what_is_frozen_never_changes_by_a_bit(spec, kind, chosen):
    model = build_module(spec)
    table, handles = table_of(model), Handles.of(model)
    line = timeline_of(table, chosen)
    optimizer = optimizer_over(kind, handles, line.groups)
    for moment in line.moments():
        left_over_gradients(handles)  # those of the phase before, which decay and momentum would use
        apply_trainable(handles, moment.trainable)
        apply_rates(optimizer, moment.rates)
        before = frozen_bytes(handles, moment.trainable)
        digests = frozen_digests(handles, table, moment.trainable)
        backward_and_step(handles, optimizer, moment.progress.step)
        after = read_again(handles, before)
        assert [name for name in before if not same_bits(before[name], after[name])] == []
        assert frozen_digests(handles, table, moment.trainable) == digests


@settings(max_examples=150)
@given(model_specs(), kinds)
def test_a_thawed_weight_with_a_gradient_moves(spec, kind):
    model = build_module(spec)
    table, handles = table_of(model), Handles.of(model)
    optimizer = optimizer_over(kind, handles, {"all": table.names})
    apply_trainable(handles, frozenset())
    apply_trainable(handles, frozenset(row.name for row in table if row.trainable))
    apply_rates(optimizer, {"all": 0.1})
    before = {name: parameter.detach().clone() for name, parameter in model.parameters()}
    left_over_gradients(handles)
    ready_gradients(handles.weights.values())
    optimizer.step()
    for row in table:
        for name in row.names if row.numel else ():
            moved = (dict(model.parameters())[name] != before[name]).all()
            assert bool(moved) == row.trainable, name


@settings(max_examples=150)
@given(model_specs())
def test_a_tied_weight_learns_as_if_it_were_one(spec):
    """The folded gradient is that of one tensor used in all places, which autograd knows how to sum."""
    torch.set_default_dtype(torch.float64)
    try:
        model = build_module(spec)
    finally:
        torch.set_default_dtype(torch.float32)
    for parameter in dict(model.parameters()).values():
        parameter.requires_grad_(True)
    ids, expected = torch.arange(6) % 8, {}
    for _, part in model.parts():
        part.eval()
    regions = Handles.of(model).weights.values()
    loss = sum(head(model.backbone(ids)).square().mean() for head in model.heads.values())
    loss.backward()
    for weight in regions:
        if len(weight.parameters) > 1:
            expected[id(weight)] = directional(model, weight, ids)
            fold_gradients(weight)
    for weight in regions:
        if id(weight) in expected:
            first, *others = weight.parameters
            assert all(other.grad is None for other in others)
            got = 0.0 if first.grad is None else float(first.grad.sum())
            assert abs(got - expected[id(weight)]) <= 1e-4 * max(1.0, abs(expected[id(weight)]))


def directional(model, weight, ids, reach=1e-6):
    """The slope of the loss when all numbers of the region grow together, by central differences."""

    def at(shift):
        with torch.no_grad():
            weight.parameters[0].add_(shift)
            loss = sum(head(model.backbone(ids)).square().mean() for head in model.heads.values())
            weight.parameters[0].sub_(shift)
        return float(loss)

    return (at(reach) - at(-reach)) / (2 * reach)


def test_dropout_in_a_frozen_module_is_off_and_on_again_when_thawed():
    spec = {
        "seed": 1,
        "embeddings": [],
        "blocks": {"1": [piece("linear"), piece("dropout")], "10": [piece("linear"), piece("dropout")]},
        "final": [],
        "heads": {"news": [piece("dropout"), piece("linear")]},
    }
    model = build_module(spec)
    handles = Handles.of(model)
    names = frozenset(handles.weights)
    frozen = frozenset(name for name in names if name.startswith("backbone.layer.1."))
    apply_trainable(handles, names - frozen)
    block, other = model.backbone.layer["1"], model.backbone.layer["10"]
    ones = torch.ones(64, 4)
    assert torch.equal(block[1](ones), ones)
    assert not torch.equal(other[1](ones), ones)
    apply_trainable(handles, names)
    assert not torch.equal(block[1](ones), ones)


def test_a_frozen_batch_norm_keeps_its_statistics_and_uses_them():
    spec = {
        "seed": 1,
        "embeddings": [],
        "blocks": {"1": [piece("linear"), piece("batchnorm"), piece("batchnorm-plain")]},
        "final": [],
        "heads": {"news": [piece("linear")]},
    }
    model = build_module(spec)
    handles = Handles.of(model)
    heads = frozenset(name for name in handles.weights if name.startswith("heads."))
    buffers = {name: buffer.clone() for name, buffer in model.buffers()}
    apply_trainable(handles, heads)
    loss_of(model).backward()
    assert all(torch.equal(buffer, buffers[name]) for name, buffer in model.buffers())
    apply_trainable(handles, frozenset(handles.weights))
    loss_of(model).backward()
    moved = {
        name.rpartition(".")[2] for name, buffer in model.buffers() if not torch.equal(buffer, buffers[name])
    }
    assert moved == {"running_mean", "running_var", "num_batches_tracked"}


def piece(kind):
    return {"kind": kind, "of": 0, "frozen": False}


def test_a_frozen_table_with_a_largest_norm_is_read_without_being_written_to():
    torch.manual_seed(0)
    table = torch.nn.Embedding(6, 4, max_norm=0.5)
    twin = torch.nn.Embedding(6, 4, max_norm=0.5)
    twin.load_state_dict(table.state_dict())
    handles = Handles.of(Model(torch.nn.Sequential(table), {}))
    before = table.weight.detach().clone()
    ids = torch.arange(6)
    apply_trainable(handles, frozenset())
    rows = table(ids)
    assert torch.equal(table.weight, before)
    assert torch.allclose(rows, twin(ids), atol=1e-6)
    assert not torch.equal(twin.weight, before)
    apply_trainable(handles, frozenset(handles.weights))
    table(ids)
    assert torch.equal(table.weight, twin.weight)
