import json

import pytest
import torch
from hypothesis import Phase, find, given, settings
from torch import nn
from torch.nn.utils import parametrize

from mtlkit.engine.apply import Handles, apply_trainable
from mtlkit.engine.digest import frozen_digests
from mtlkit.testing.models import (
    HIDDEN,
    KINDS,
    NAMES,
    SPECIAL,
    build_module,
    loss_of,
    model_specs,
    table_of,
)
from mtlkit.testing.oracles import bits

ALL = (*KINDS, *SPECIAL)
QUICK = settings(phases=[Phase.generate], max_examples=2000, database=None)


def piece(kind, of=0, frozen=False):
    return {"kind": kind, "of": of, "frozen": frozen}


def model_with(*pieces):
    """A model with these pieces after a linear layer in its only block."""
    spec = {"seed": 3, "embeddings": [], "blocks": {"1": [piece("linear"), *pieces]}, "final": []}
    return build_module({**spec, "heads": {"t": [piece("linear")]}})


def last(model):
    return model.backbone.layer["1"][-1]


def everything(model):
    return {name: bits(each) for each in (model.parameters(), model.buffers()) for name, each in each}


@settings(max_examples=60)
@given(model_specs(kinds=ALL))
def test_a_spec_is_plain_values_and_always_makes_the_same_model(spec):
    assert json.loads(json.dumps(spec)) == spec
    first, second = build_module(spec), build_module(json.loads(json.dumps(spec)))
    assert everything(first) == everything(second)
    assert [name for name, _ in first.modules()] == [name for name, _ in second.modules()]
    assert table_of(first) == table_of(second)
    torch.manual_seed(0)
    one = loss_of(first)
    torch.manual_seed(0)
    assert bits(one) == bits(loss_of(second))


@settings(max_examples=40)
@given(model_specs())
def test_building_draws_nothing_from_the_global_generator(spec):
    before = torch.get_rng_state()
    build_module(spec)
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("kind", ALL)
def test_every_kind_is_drawn(kind):
    def holds(spec):
        return any(each["kind"] == kind for block in spec["blocks"].values() for each in block)

    assert holds(find(model_specs(kinds=ALL), holds, settings=QUICK))


@pytest.mark.parametrize("kind", ALL)
def test_every_kind_learns_in_train_mode_and_repeats_itself_when_frozen(kind):
    model = model_with(piece(kind))
    loss = loss_of(model)
    loss.backward()
    assert loss.isfinite()
    model = model_with(piece(kind))
    table, handles = table_of(model), Handles.of(model)
    heads = frozenset(name for name in table.names if name.startswith("heads."))
    apply_trainable(handles, heads)
    before = frozen_digests(handles, table, heads)
    losses = []
    for _ in range(2):
        torch.manual_seed(5)
        losses.append(loss_of(model))
    assert bits(losses[0]) == bits(losses[1])
    moved = [name for name, digest in frozen_digests(handles, table, heads).items() if before[name] != digest]
    assert not moved


def test_there_are_as_many_kinds_as_it_says():
    assert len(KINDS) == len(set(KINDS)) >= 35
    assert not set(KINDS) & set(SPECIAL)


MADE = {
    "same": lambda model, made: made.weight is model.backbone.layer["1"][0].weight,
    "twin": lambda model, made: (
        made.weight is not model.backbone.layer["1"][0].weight
        and made.weight.data_ptr() == model.backbone.layer["1"][0].weight.data_ptr()
    ),
    "transposed": lambda model, made: made.weight.stride() == (1, HIDDEN),
    "slice": lambda model, made: made.rows.data_ptr() == model.backbone.layer["1"][0].weight.data_ptr(),
    "shared": lambda model, made: made is model.backbone.layer["1"][0],
    "two-names": lambda model, made: made.first is made.second,
    "batchnorm-plain": lambda model, made: made.weight is None and made.running_mean is not None,
    "batchnorm-cumulative": lambda model, made: made.momentum is None,
    "groupnorm": lambda model, made: isinstance(made, nn.GroupNorm),
    "instancenorm": lambda model, made: made.norm.track_running_stats,
    "weight-norm": lambda model, made: parametrize.is_parametrized(made, "weight"),
    "spectral-norm": lambda model, made: any("_u" in name for name, _ in made.named_buffers()),
    "parametrized": lambda model, made: torch.equal(made.weight, made.weight.t()),
    "table-padding": lambda model, made: made.table.padding_idx == 1,
    "table-max-norm": lambda model, made: made.table.max_norm == 0.5,
    "table-sparse": lambda model, made: made.table.sparse,
    "constants": lambda model, made: (
        {each.dtype for each in made.buffers()} == {torch.int64, torch.bool, torch.float32}
        and "shift" not in made.state_dict()
    ),
    "alias": lambda model, made: made.seen.data_ptr() == made.weight.data_ptr(),
    "scalar": lambda model, made: made.factor.shape == (),
    "one": lambda model, made: made.factor.shape == (1,),
    "empty": lambda model, made: made.nothing.numel() == 0,
    "gaps": lambda model, made: made.factor.stride() == (2,),
    "float64": lambda model, made: made.factor.dtype == torch.float64,
    "complex": lambda model, made: made.factor.is_complex(),
    "direct": lambda model, made: list(made._parameters) and list(made._modules),
    "collections": lambda model, made: (
        isinstance(made.listed, nn.ParameterList) and isinstance(made.keyed, nn.ParameterDict)
    ),
    "named": lambda model, made: set(dict(made.named_children())) <= set(NAMES),
}


@pytest.mark.parametrize("kind", sorted(MADE))
def test_a_kind_is_what_its_name_says(kind):
    model = model_with(piece(kind))
    assert MADE[kind](model, last(model))


@pytest.mark.parametrize("kind", ["moving-average", "queue", "batchnorm", "instancenorm", "spectral-norm"])
def test_buffers_move_in_train_mode_only(kind):
    model = model_with(piece(kind))
    for training in (False, True):
        last(model).train(training)
        before = {name: bits(buffer) for name, buffer in model.buffers()}
        loss_of(model)
        after = {name: bits(buffer) for name, buffer in model.buffers()}
        assert (before != after) == training


@pytest.mark.parametrize("kind", ["dropout", "functional-dropout", "stochastic-depth"])
def test_chance_is_there_in_train_mode_only(kind):
    made = last(model_with(piece(kind)))
    hidden = torch.ones(8, HIDDEN)
    made.eval()
    assert len({bits(made(hidden)) for _ in range(8)}) == 1
    made.train()
    assert len({bits(made(hidden)) for _ in range(8)}) > 1


def test_an_unused_weight_gets_no_gradient_and_one_used_twice_gets_one():
    model = model_with(piece("unused"), piece("twice"))
    loss_of(model).backward()
    _, unused, twice = model.backbone.layer["1"]
    assert unused.inner.weight.grad is None
    assert twice.inner.weight.grad is not None


@pytest.mark.parametrize("trains", ["bias", "parametrizations.weight.original"])
def test_a_spectral_norm_moves_only_where_its_weight_trains(trains):
    model = model_with(piece("spectral-norm"))
    apply_trainable(Handles.of(model), frozenset({f"backbone.layer.1.1.{trains}"}))
    before = bits(last(model).parametrizations.weight[0]._u)
    loss_of(model)
    assert (bits(last(model).parametrizations.weight[0]._u) != before) == (trains != "bias")


@pytest.mark.parametrize("of", range(len(NAMES)))
def test_hostile_names_have_rows_of_their_own(of):
    table = table_of(model_with(piece("named", of), piece("named", of + 1)))
    assert len(set(table.names)) == len(table)
    assert any(f".{NAMES[of]}.weight" in name for name in table.names)
