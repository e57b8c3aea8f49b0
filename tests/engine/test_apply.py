from types import SimpleNamespace

import torch
from engine_optimizers import optimizer_over
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from mtlkit.builtin.optimizers.adamw import build as build_adamw
from mtlkit.builtin.optimizers.options import AdamW
from mtlkit.engine import build as engine_build
from mtlkit.engine.apply import (
    Handles,
    apply_rates,
    apply_trainable,
    frozen_modules,
    set_eval,
    trainable_objects,
)
from mtlkit.engine.build import Built, build_optimizer
from mtlkit.engine.model import Model
from mtlkit.testing.models import build_module, model_specs, table_of


@st.composite
def models_and_sets(draw):
    """A model's spec and two subsets of its weights."""
    spec = draw(model_specs())
    names = [row.name for row in table_of(build_module(spec)) if row.trainable]
    return spec, *(frozenset(draw(st.lists(st.sampled_from(names)) if names else st.just([]))) for _ in "ab")


def state_of(handles):
    return (
        {name: (p.requires_grad, p.grad is None) for name, p in handles.model.parameters()},
        {name: module.training for name, module in handles.model.modules()},
    )


def give_gradients(handles):
    for _, parameter in handles.model.parameters():
        if parameter.requires_grad:
            parameter.grad = torch.ones_like(parameter)


@settings(max_examples=100)
@given(models_and_sets())
def test_a_weight_wants_a_gradient_if_and_only_if_it_trains(drawn):
    spec, trainable, _ = drawn
    handles = Handles.of(build_module(spec))
    give_gradients(handles)
    apply_trainable(handles, trainable)
    for row in table_of(handles.model):
        for name in row.names:
            parameter = dict(handles.model.parameters())[name]
            assert parameter.requires_grad == (row.name in trainable)
            assert row.name in trainable or parameter.grad is None


@settings(max_examples=60)
@given(models_and_sets())
def test_applying_twice_is_applying_once_and_history_does_not_matter(drawn):
    spec, trainable, other = drawn
    handles, fresh = Handles.of(build_module(spec)), Handles.of(build_module(spec))
    apply_trainable(handles, other)
    apply_trainable(handles, trainable)
    apply_trainable(fresh, trainable)
    assert state_of(handles) == state_of(fresh)
    apply_trainable(handles, trainable)
    assert state_of(handles) == state_of(fresh)


@settings(max_examples=100)
@given(models_and_sets())
def test_a_module_is_in_eval_mode_if_and_only_if_it_or_a_parent_has_only_frozen_weights(drawn):
    spec, trainable, other = drawn
    handles = Handles.of(build_module(spec))
    apply_trainable(handles, other)
    set_eval(handles.model)
    apply_trainable(handles, trainable)
    live = trainable_objects(handles, trainable)
    expected = set()
    for _, part in handles.model.parts():
        for module in part.modules():
            below = list(module.parameters())
            if below and not any(id(parameter) in live for parameter in below):
                expected |= {id(inner) for inner in module.modules()}
    assert {id(module) for _, module in handles.model.modules() if not module.training} == expected
    assert frozen_modules(handles.model, live) == expected


def test_a_weightless_module_that_backbone_and_head_share_stays_in_eval_mode_where_one_is_frozen():
    norm = nn.BatchNorm1d(2, affine=False)
    backbone, head = nn.Sequential(nn.Linear(2, 2), norm), nn.Sequential(norm, nn.Linear(2, 2))
    handles = Handles.of(Model(backbone, {"t": head}))
    apply_trainable(handles, frozenset({"heads.t.1.weight", "heads.t.1.bias"}))
    assert not norm.training
    assert head.training


@given(st.dictionaries(st.sampled_from("abc"), st.floats(0, 1), min_size=3))
def test_every_group_gets_its_own_rate(rates):
    parameters = [nn.Parameter(torch.zeros(1)) for _ in range(4)]
    groups = [{"params": [p], "group": group} for p, group in zip(parameters, "abca", strict=True)]
    optimizer = torch.optim.SGD(groups, lr=9.0)
    apply_rates(optimizer, rates)
    assert [group["lr"] for group in optimizer.param_groups] == [rates[group] for group in "abca"]


@settings(max_examples=60)
@given(model_specs())
def test_the_groups_of_the_optimizer_partition_all_weights_and_freezing_does_not_edit_them(spec):
    model = build_module(spec)
    table, handles = table_of(model), Handles.of(model)
    part = SimpleNamespace(options=AdamW(weight_decay=0.1))
    groups = {group: tuple(n for n in table.names if n.startswith(group)) for group in ("backbone", "heads")}
    made = engine_build.make
    try:
        engine_build.make = lambda part, groups: build_adamw(part.options, groups)
        optimizer = build_optimizer(
            SimpleNamespace(optimizer=part), Built(model.backbone, model.heads, model, table), handles,
            SimpleNamespace(groups=groups),
        )  # fmt: skip
    finally:
        engine_build.make = made
    before = [
        (group["group"], group["names"], list(map(id, group["params"]))) for group in optimizer.param_groups
    ]
    names = [name for _, named, _ in before for name in named]
    assert sorted(names) == sorted(table.names)
    ids = [each for _, _, params in before for each in params]
    assert len(set(ids)) == len(ids) == len(table)
    kinds = {row.name: row.kind for row in table}
    for group in optimizer.param_groups:
        for name in group["names"]:
            assert group["weight_decay"] == (0.0 if kinds[name] in ("bias", "norm") else 0.1)
    apply_trainable(handles, frozenset())
    after = [
        (group["group"], group["names"], list(map(id, group["params"]))) for group in optimizer.param_groups
    ]
    assert after == before
    assert optimizer_over("sgd", handles, groups) is not None
