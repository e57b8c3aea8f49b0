"""Snapshots: by name, whole or not at all, and exact."""

from types import SimpleNamespace

import pytest
import torch
from engine_optimizers import OPTIMIZERS, optimizer_over
from hypothesis import given, settings
from hypothesis import strategies as st

from mtlkit.contracts.progress import Measurement
from mtlkit.engine.apply import Handles
from mtlkit.engine.checkpoint import read
from mtlkit.engine.snapshot import restore, take
from mtlkit.engine.ties import ready_gradients
from mtlkit.engine.writing import write
from mtlkit.errors import PluginError, ResourceError
from mtlkit.testing.models import build_module, loss_of, model_specs, table_of
from mtlkit.testing.oracles import check_equal

LOG = (Measurement(1, "news/x", 0.5), Measurement(2, "news/x", float("inf")))


def piece(kind):
    return {"kind": kind, "of": 0, "frozen": False}


SPEC = {
    "seed": 0,
    "embeddings": [],
    "blocks": {"1": [piece("linear"), piece("batchnorm")]},
    "final": [],
    "heads": {"news": [piece("twin"), piece("scalar")]},
}


def trained(spec, kind="adamw", steps=2, make=None):
    handles = Handles.of(build_module(spec))
    names = table_of(handles.model).names
    groups = {"even": names[::2], "odd": names[1::2]}
    optimizer = make(handles, groups) if make else optimizer_over(kind, handles, groups)
    for step in range(steps):
        go_on(handles, optimizer, step)
    return handles, optimizer


def go_on(handles, optimizer, step):
    torch.manual_seed(step)
    loss = loss_of(handles.model)
    if loss.requires_grad:
        loss.backward()
    ready_gradients(handles.weights.values())
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)


@settings(max_examples=80)
@given(model_specs(), st.sampled_from(sorted(OPTIMIZERS)), st.integers(0, 2), st.integers(0, 3))
def test_a_run_goes_on_from_a_snapshot_as_if_nothing_had_been(spec, kind, done, more):
    handles, optimizer = trained(spec, kind, done)
    snapshot = take(handles, optimizer, done, {"rows": 3}, LOG)
    for step in range(done, done + more):
        go_on(handles, optimizer, step)
    other, its = trained({**spec, "seed": spec["seed"] + 1}, kind, 1)
    restore(other, its, snapshot)
    check_equal(take(other, its, done), snapshot, "R1", "after a restore")
    for step in range(done, done + more):
        go_on(other, its, step)
    check_equal(take(handles, optimizer), take(other, its), "R1", "afterwards")


def test_a_checkpoint_on_disk_says_the_same(tmp_path):
    handles, optimizer = trained(SPEC)
    session = SimpleNamespace(handles=handles, optimizer=optimizer)
    path = write(take(session.handles, session.optimizer, 2, {"rows": 3}, LOG), tmp_path)
    stored = read(path)
    check_equal(stored, take(handles, optimizer, 2), "R1", "on disk")
    assert (stored.cursors, stored.log) == ({"rows": 3}, LOG)


def test_a_damaged_checkpoint_is_not_read(tmp_path):
    session = SimpleNamespace(**dict(zip(("handles", "optimizer"), trained(SPEC), strict=True)))
    path = write(take(session.handles, session.optimizer, 2), tmp_path)
    (path / "state.json").write_text("{}")
    with pytest.raises(ResourceError, match="is damaged: state.json"):
        read(path)


def test_a_snapshot_does_not_follow_the_run():
    handles, optimizer = trained(SPEC)
    snapshot = take(handles, optimizer)
    before = {name: tensor.clone() for name, tensor in {**snapshot.weights, **snapshot.state}.items()}
    go_on(handles, optimizer, 2)
    assert all(
        torch.equal(tensor, before[name]) for name, tensor in {**snapshot.weights, **snapshot.state}.items()
    )


def test_state_that_came_after_the_snapshot_is_gone():
    handles, optimizer = trained(SPEC, steps=0)
    empty = take(handles, optimizer)
    go_on(handles, optimizer, 0)
    assert optimizer.state
    restore(handles, optimizer, empty)
    assert not optimizer.state


def test_state_follows_the_name_where_two_weights_change_places():
    handles, optimizer = trained(SPEC)
    snapshot = take(handles, optimizer)
    swapped, its = trained(
        SPEC,
        make=lambda handles, groups: optimizer_over(
            "adamw", handles, {"odd": groups["odd"][::-1], "even": groups["even"][::-1]}
        ),
    )
    restore(swapped, its, snapshot)
    check_equal(take(swapped, its), snapshot, "P11", "in another order")


class Odd(torch.optim.SGD):
    """Keeps numbers beside the weights and in its groups."""

    kept = 1

    def step(self):
        super().step()
        for group in self.param_groups:
            group["count"] = group.get("count", 0) + 1
            for parameter in group["params"]:
                self.state[parameter]["age"] = type(self).kept
                self.state[parameter]["name"] = None


def odd(handles, groups):
    return Odd(
        [
            {"params": [handles.parameters(name)[0] for name in names], "names": list(names), "group": group}
            for group, names in groups.items()
        ]
    )


def test_numbers_come_back_as_numbers_from_disk_too(tmp_path):
    handles, optimizer = trained(SPEC, make=odd)
    session = SimpleNamespace(handles=handles, optimizer=optimizer)
    path = write(take(session.handles, session.optimizer, 2), tmp_path)
    other, its = trained(SPEC, make=odd, steps=0)
    restore(other, its, read(path))
    assert [group["count"] for group in its.param_groups] == [2, 2]
    assert {tuple(state.items())[-2:] for state in its.state.values()} == {(("age", 1), ("name", None))}


def test_what_cannot_be_kept_is_named():
    class Hoarding(Odd):
        kept = [1]  # noqa: RUF012

    with pytest.raises(PluginError) as caught:
        take(*trained(SPEC, make=lambda *args: setattr(made := odd(*args), "__class__", Hoarding) or made))
    assert "Hoarding keeps 'age' of backbone.word.weight as list" in str(caught.value)


def other_head(spec):
    return {**spec, "heads": {"new": spec["heads"]["news"]}}


def test_another_model_is_refused_and_nothing_has_changed():
    snapshot = take(*trained(SPEC))
    other, its = trained(other_head(SPEC))
    before = take(other, its)
    with pytest.raises(ResourceError, match=r"^the snapshot is of another model: heads.new."):
        restore(other, its, snapshot)
    check_equal(take(other, its), before, "P11", "after a refusal")


def test_state_of_a_weight_that_is_in_no_group_is_refused_and_nothing_has_changed():
    snapshot = take(*trained(SPEC))
    handles, its = trained(
        SPEC, make=lambda handles, groups: optimizer_over("adamw", handles, {"even": groups["even"]})
    )
    before = take(handles, its)
    with pytest.raises(ResourceError, match=r"^the snapshot is of another optimizer: "):
        restore(handles, its, snapshot)
    check_equal(take(handles, its), before, "P11", "after a refusal")


@pytest.mark.parametrize(
    ("factor", "told"),
    [
        (torch.ones(3), "[] there and [3] here"),
        (torch.tensor(1.0).double(), "float32 there and float64 here"),
    ],
)
def test_another_shape_or_type_is_refused(factor, told):
    snapshot = take(*trained(SPEC))
    handles, its = trained(SPEC, steps=0)
    handles.model.heads["news"][1].factor.data = factor
    with pytest.raises(ResourceError) as caught:
        restore(Handles.of(handles.model), its, snapshot)
    assert str(caught.value) == f"the snapshot is of another model: heads.news.1.factor is {told}"
