import pytest
import torch
from hypothesis import given, settings
from torch import nn

from mtlkit.engine.model import Model
from mtlkit.engine.params import param_table, weights
from mtlkit.errors import PluginError, RecipeError
from mtlkit.testing.models import build_module, model_specs, table_of


class Bag(nn.Module):
    """Parameters under these names, in this order."""

    depth, hidden_size = 0, 1

    def __init__(self, **tensors):
        super().__init__()
        for name, tensor in tensors.items():
            self.register_parameter(name, nn.Parameter(tensor))

    def place(self, name):
        return "embeddings", 0


def names_of(**tensors):
    return [weight.names for weight in weights(Model(Bag(**tensors), {}))]


@settings(max_examples=80)
@given(model_specs())
def test_every_name_is_in_exactly_one_row(spec):
    model = build_module(spec)
    names = [name for row in table_of(model) for name in row.names]
    assert sorted(names) == sorted(name for name, _ in model.parameters())
    assert len(set(names)) == len(names)


@settings(max_examples=80)
@given(model_specs())
def test_two_names_are_one_row_if_and_only_if_writing_one_changes_the_other(spec):
    model = build_module(spec)
    row_of = {name: row.name for row in table_of(model) for name in row.names}
    parameters = dict(model.parameters())
    for name, parameter in parameters.items():
        if not parameter.numel():
            continue
        before = {other: value.detach().clone() for other, value in parameters.items()}
        with torch.no_grad():
            parameter.add_(1.0)
        changed = {other for other, value in parameters.items() if not torch.equal(value, before[other])}
        assert changed == {other for other in parameters if row_of[other] == row_of[name]}


@settings(max_examples=40)
@given(model_specs())
def test_the_meta_device_gives_the_same_table(spec):
    with torch.device("meta"):
        outline = table_of(build_module(spec))
    assert outline == table_of(build_module(spec))


@settings(max_examples=60)
@given(model_specs())
def test_rows_stand_in_order_of_depth_and_know_their_place(spec):
    table = table_of(build_module(spec))
    depths = [row.depth for row in table]
    assert depths == sorted(depths)
    blocks = list(spec["blocks"])
    for row in table:
        owner, rest = row.name.split(".", 1)
        if owner == "heads":
            assert (row.owner, row.role, row.depth) == (rest.split(".")[0], "head", len(blocks) + 2)
        elif rest.startswith("layer."):
            assert (row.owner, row.role) == ("backbone", "block")
            assert blocks[row.depth - 1] == rest.split(".")[1]


def test_an_author_frozen_view_freezes_the_whole_region():
    model = Model(Bag(one=torch.zeros(2, 2)), {})
    model.backbone.two = nn.Parameter(model.backbone.one.data.t(), requires_grad=False)
    (row,) = param_table(model, model.backbone, ())
    assert (row.names, row.trainable) == (("backbone.one", "backbone.two"), False)


def test_parts_that_a_later_parameter_joins_become_one_weight_with_the_whole_first():
    base = torch.zeros(4, 3)
    model = Model(Bag(a=base[:2], b=base[2:], other=torch.zeros(1), whole=base), {})
    joined, other = weights(model)
    assert joined.names == ["backbone.a", "backbone.b", "backbone.whole"]
    assert joined.parameters[0] is model.backbone.whole
    assert other.names == ["backbone.other"]


def test_columns_that_interleave_without_touching_are_two_weights():
    base = torch.zeros(3, 2)
    assert names_of(a=base[:, 0], b=base[:, 1]) == [["backbone.a"], ["backbone.b"]]


def test_slices_of_one_storage_that_do_not_overlap_are_two_weights():
    base = torch.zeros(4, 3)
    assert names_of(a=base[:2], b=base[2:]) == [["backbone.a"], ["backbone.b"]]


def test_overlap_that_no_parameter_holds_is_refused_by_name():
    base = torch.zeros(6)
    with pytest.raises(PluginError) as caught:
        names_of(a=base[:4], b=base[2:])
    assert str(caught.value) == (
        "the weights backbone.a, backbone.b share part of their memory, and none of them holds the others"
        "  tie whole weights, or keep one parameter of which the others are views"
    )


def test_weights_of_size_zero_are_never_tied():
    base = torch.zeros(0, 3)
    assert names_of(a=base, b=base) == [["backbone.a"], ["backbone.b"]]


def test_a_task_named_like_a_part_of_another_is_refused():
    heads = {"a": nn.Linear(1, 1), "a.b": nn.Linear(1, 1)}
    model = Model(Bag(one=torch.zeros(1)), heads)
    with pytest.raises(RecipeError) as caught:
        param_table(model, model.backbone, tuple(heads))
    assert str(caught.value) == (
        "tasks  the weights of task 'a.b' can't be told from those of task 'a'  rename one of the two tasks"
    )


def test_kinds_follow_the_module():
    head = nn.Sequential(nn.Linear(2, 2), nn.LayerNorm(2), nn.Embedding(3, 2), nn.RMSNorm(2))
    model = Model(Bag(), {"t": head})
    kinds = {
        row.name.removeprefix("heads.t."): row.kind for row in param_table(model, model.backbone, ("t",))
    }
    assert kinds == {
        "0.weight": "weight",
        "0.bias": "bias",
        "1.weight": "norm",
        "1.bias": "norm",
        "2.weight": "embedding",
        "3.weight": "norm",
    }
