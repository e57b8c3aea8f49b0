import json
import shutil
from types import SimpleNamespace

import pytest
import torch
from engine_optimizers import OPTIMIZERS, optimizer_over
from engine_recipes import of_type, run_recipe, write_recipe
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file

from mtlkit.contracts.events import Checkpointed, Evaluated
from mtlkit.contracts.progress import Measurement
from mtlkit.engine.apply import Handles
from mtlkit.engine.checkpoint import load_weights, verify
from mtlkit.engine.snapshot import take
from mtlkit.engine.tensor_file import write_tensors
from mtlkit.engine.ties import ready_gradients
from mtlkit.engine.writing import write
from mtlkit.errors import ResourceError
from mtlkit.testing.models import build_module, loss_of, model_specs, table_of

FILES = ("weights.safetensors", "optimizer.safetensors", "state.json", "manifest.json")
SPEC = {
    "seed": 0,
    "embeddings": [],
    "blocks": {
        "1": [{"kind": "linear", "of": 0, "frozen": False}, {"kind": "batchnorm", "of": 0, "frozen": False}]
    },
    "final": [],
    "heads": {
        "news": [{"kind": "twin", "of": 0, "frozen": False}, {"kind": "scalar", "of": 0, "frozen": False}]
    },
}


def session_of(spec, kind="adamw"):
    model = build_module(spec)
    handles = Handles.of(model)
    optimizer = optimizer_over(kind, handles, {"all": table_of(model).names})
    loss = loss_of(model)
    if loss.requires_grad:
        loss.backward()
    ready_gradients(handles.weights.values())
    optimizer.step()
    return SimpleNamespace(handles=handles, optimizer=optimizer)


def saved(folder, session, step=7, keep=None):
    log = [Measurement(2, "news/x", 0.5)]
    snapshot = take(session.handles, session.optimizer, step, {"news": 3}, log)
    return write(snapshot, folder / "checkpoints", {keep} - {None})


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return saved(tmp_path_factory.mktemp("whole"), session_of(SPEC))


@settings(max_examples=40)
@given(model_specs(), st.sampled_from(sorted(OPTIMIZERS)))
def test_weights_and_buffers_come_back_bit_for_bit(tmp_path_factory, spec, kind):
    session = session_of(spec, kind)
    path = saved(tmp_path_factory.mktemp("c"), session)
    assert verify(path) == []
    other = Handles.of(build_module(spec))
    load_weights(other, path)
    for one, two in (
        (dict(session.handles.model.parameters()), dict(other.model.parameters())),
        (dict(session.handles.model.buffers()), dict(other.model.buffers())),
    ):
        assert all(torch.equal(one[name], two[name]) for name in one)


def test_optimizer_state_is_kept_by_the_name_of_the_weight(whole):
    session = session_of(SPEC)
    stored = load_file(whole / "optimizer.safetensors")
    names = {name for name, weight in session.handles.weights.items() if weight.parameters[0].numel()}
    assert {key.partition("::")[0] for key in stored} == names
    assert {key.partition("::")[2] for key in stored} == {"step", "exp_avg", "exp_avg_sq"}


def test_the_state_says_where_the_run_was(whole):
    state = json.loads((whole / "state.json").read_text())
    assert state == {"step": 7, "cursors": {"news": 3}, "metrics": [[2, "news/x", 0.5]]}


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_deleted_or_cut_short_is_named(tmp_path, whole, name):
    for damage in ("deleted", "cut", "emptied"):
        copy = tmp_path / damage
        shutil.copytree(whole, copy)
        file = copy / name
        if damage == "deleted":
            file.unlink()
        else:
            file.write_bytes(file.read_bytes()[:-1] if damage == "cut" else b"")
        assert verify(copy) == [name]


@settings(max_examples=150)
@given(st.sampled_from(FILES), st.floats(0, 1, exclude_max=True), st.integers(0, 7))
def test_a_flipped_bit_is_noticed_and_the_file_named(whole, name, share, bit):
    file = whole / name
    content = file.read_bytes()
    damaged = bytearray(content)
    damaged[int(share * len(damaged))] ^= 1 << bit
    try:
        file.write_bytes(damaged)
        assert verify(whole) == [name]
    finally:
        file.write_bytes(content)


def test_a_damaged_checkpoint_is_not_loaded(tmp_path, whole):
    copy = tmp_path / "step-00000007"
    shutil.copytree(whole, copy)
    (copy / "weights.safetensors").unlink()
    (copy / "state.json").write_text("{}")
    handles = Handles.of(build_module(SPEC))
    with pytest.raises(ResourceError) as caught:
        load_weights(handles, copy)
    assert str(caught.value) == f"the checkpoint {copy} is damaged: state.json, weights.safetensors"


def test_a_checkpoint_of_another_model_is_refused(whole):
    other = {**SPEC, "heads": {"new": SPEC["heads"]["news"]}}
    with pytest.raises(ResourceError) as caught:
        load_weights(Handles.of(build_module(other)), whole)
    assert str(caught.value).startswith(f"the checkpoint {whole} is of another model: heads.new.")


def test_a_checkpoint_with_weights_of_another_shape_is_refused_and_nothing_loaded(whole):
    handles = Handles.of(build_module(SPEC))
    handles.model.heads["news"][1].factor.data = torch.ones(3)
    handles = Handles.of(handles.model)
    before = {name: p.detach().clone() for name, p in handles.model.parameters()}
    with pytest.raises(ResourceError) as caught:
        load_weights(handles, whole)
    assert str(caught.value) == (
        f"the checkpoint {whole} is of another model: heads.news.1.factor is [] there and [3] here"
    )
    assert all(torch.equal(before[name], p) for name, p in handles.model.parameters())


def test_the_newest_two_and_the_best_are_kept(tmp_path):
    session = session_of(SPEC)
    for step in (1, 2, 3, 4, 5):
        saved(tmp_path, session, step, keep="step-00000002" if step >= 2 else None)
    kept = sorted(path.name for path in (tmp_path / "checkpoints").iterdir())
    assert kept == ["step-00000002", "step-00000004", "step-00000005"]


def test_what_a_killed_save_left_is_replaced_and_no_checkpoint_counts_before_it_is_renamed(tmp_path):
    left = tmp_path / "checkpoints" / "step-00000001.partial"
    left.mkdir(parents=True)
    (left / "weights.safetensors").write_bytes(b"half")
    path = saved(tmp_path, session_of(SPEC), 1)
    assert verify(path) == []
    assert [each.name for each in (tmp_path / "checkpoints").iterdir()] == ["step-00000001"]


def test_a_place_that_cannot_be_written_is_reported(tmp_path):
    (tmp_path / "checkpoints").write_text("a file")
    with pytest.raises(ResourceError) as caught:
        saved(tmp_path, session_of(SPEC))
    assert str(caught.value).startswith(
        f"the checkpoint {tmp_path / 'checkpoints' / 'step-00000007'} could not be written: "
    )


def test_a_run_keeps_the_newest_two_and_the_best(tmp_path):
    recipe = write_recipe(tmp_path, length="6ep", training='evaluate_every = "1ep"\ncheckpoint_every = "1ep"')
    result, events = run_recipe(recipe, ["selection.metric=sentiment/accuracy"])
    progress = [event for event in of_type(events, Evaluated) if event.purpose == "progress"]
    best = max(progress, key=lambda event: (event.metrics["sentiment/accuracy"], -event.step)).step
    written = sorted({event.step for event in of_type(events, Checkpointed)})
    kept = {int(path.name.removeprefix("step-")) for path in (result.run_dir / "checkpoints").iterdir()}
    assert kept == {*written[-2:], best}
    assert all(verify(path) == [] for path in (result.run_dir / "checkpoints").iterdir())


@pytest.mark.parametrize("parts", [[b"abc"], [b"abcd", b"efghi"], []])
def test_content_that_is_not_as_long_as_its_tensor_is_not_written(tmp_path, parts):
    tensors = {"a": torch.empty(2, device="meta")}
    size = sum(map(len, parts))
    with pytest.raises(OSError, match=f"^a has {size} bytes where it lies, and needs 8$"):
        write_tensors(tmp_path / "file", tensors, content=lambda _name: parts)


def test_content_that_lies_elsewhere_is_written_as_that_in_memory_is(tmp_path):
    values = torch.arange(6.0)
    write_tensors(tmp_path / "here", {"a": values, "b": torch.ones(1)})
    absent = {"a": torch.empty(6, device="meta"), "b": torch.ones(1)}
    plain = values.numpy().tobytes()
    write_tensors(
        tmp_path / "there", absent, content=lambda name: [plain[:5], plain[5:]] if name == "a" else []
    )
    assert (tmp_path / "here").read_bytes() == (tmp_path / "there").read_bytes()
