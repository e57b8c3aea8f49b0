"""What the loop waits for at a checkpoint: a copy, into the memory of the one before, of what can have changed."""

import time

import torch
from attrs import evolve
from engine_recipes import run_recipe, write_recipe
from test_writer import snapshot

from mtlkit.engine import standing, writing
from mtlkit.engine.checkpoint import read
from mtlkit.engine.snapshot import Spare, copied
from mtlkit.engine.writing import Saver

SAVING = ["training.checkpoint_every=1st", "training.length=6st", "training.keep=1000"]
PHASES = '[freeze]\nuse = "phases"\nphases = [{ until = "2st", freeze = ["backbone"] }, { until = "4st" }, { freeze = ["embeddings"] }]\n'


def test_a_copy_into_spare_memory_is_the_same_copy():
    tensor, spare = torch.randn(4, 6).t(), torch.zeros(6, 4)
    found = copied(tensor, spare)
    assert found.data_ptr() == spare.data_ptr()
    assert torch.equal(found, tensor)
    assert found.is_contiguous()
    for other in (torch.zeros(4, 6), torch.zeros(6, 4, dtype=torch.float64), None):
        found = copied(tensor, other)
        assert other is None or found.data_ptr() != other.data_ptr()
        assert torch.equal(found, tensor)


def test_a_saver_hands_out_each_snapshot_once_and_only_when_it_is_written(tmp_path):
    saver, first = Saver(tmp_path), snapshot(1)
    assert not saver.spare().weights
    saver.begin(first)
    spare = saver.spare(["backbone.w"], ["backbone.v"])
    assert (spare.weights, spare.unchanged, spare.still) == (first.weights, ["backbone.w"], ["backbone.v"])
    assert not saver.spare().weights
    assert read(tmp_path / "step-00000001").step == 1


def test_a_snapshot_that_could_not_be_written_is_not_handed_out(tmp_path, monkeypatch):
    saver = Saver(tmp_path)
    monkeypatch.setattr(writing, "write", lambda *_: 1 / 0)
    saver.begin(snapshot(1))
    assert not saver.spare().weights


def test_what_a_snapshot_shares_with_the_model_is_not_handed_out(tmp_path):
    whole = snapshot(1)
    name = next(iter(whole.weights))
    saver = Saver(tmp_path)
    saver.begin(evolve(whole, shared=[name]))
    assert saver.spare([name]).weights == {key: each for key, each in whole.weights.items() if key != name}


def test_weights_that_stand_still_are_not_copied():
    tensor, old = torch.randn(3), torch.zeros(3)
    assert Spare({"w": old}, still=["w"]).copy("w", tensor) is tensor
    assert Spare({"w": old}, unchanged=["w"]).copy("w", tensor) is old
    assert torch.equal(Spare({"w": old}).copy("w", tensor), tensor)
    assert torch.equal(old, tensor)


def saved(folder, monkeypatch, **changes):
    """A run, the bytes of its checkpoints by step, and the weights that each snapshot copied."""
    taken, copies = standing.take, []

    def take(handles, optimizer, step, cursors, log, told, spare):
        found = taken(handles, optimizer, step, cursors, log, told, spare)
        own = found.weights.keys() - found.shared
        copies.append({name for name in own if name not in spare.weights or name not in spare.unchanged})
        assert all(found.weights[name] is spare.weights[name] for name in spare.weights.keys() & own)
        return found

    with monkeypatch.context() as patched:
        patched.setattr(standing, "take", take)
        result, _ = run_recipe(write_recipe(folder, more="", **changes), SAVING)
    files = sorted((result.run_dir / "checkpoints").glob("*/*.safetensors"))
    return {str(path.relative_to(result.run_dir)): path.read_bytes() for path in files}, copies


def test_what_was_frozen_since_the_last_one_is_not_copied_again(tmp_path, monkeypatch):
    found, copies = saved(tmp_path, monkeypatch, freeze=PHASES)
    monkeypatch.setattr(Saver, "spare", lambda *_: Spare())
    (tmp_path / "always").mkdir()
    expected, _ = saved(tmp_path / "always", monkeypatch, freeze=PHASES)
    assert found == expected
    backbone = [{name for name in each if name.startswith("backbone.")} for each in copies]
    everything, above = backbone[2], {name for name in backbone[2] if ".embeddings." not in name}
    # two steps with a frozen backbone, two without, two with frozen embeddings
    assert backbone == [set(), set(), everything, everything, above, above]
    assert all(any(name.startswith("heads.") for name in each) for each in copies)


def test_no_spare_is_an_empty_one():
    assert (Spare().weights, Spare().state, Spare().unchanged) == ({}, {}, ())


def test_a_frozen_weight_is_written_before_it_thaws(tmp_path, monkeypatch):
    """It is not copied, so a phase that trains it waits for a slow disk."""
    expected, _ = saved(tmp_path, monkeypatch, freeze=PHASES)
    fast = writing.write_tensors

    def slow(*told, **named):
        time.sleep(0.3)
        return fast(*told, **named)

    monkeypatch.setattr(writing, "write_tensors", slow)
    (tmp_path / "slow").mkdir()
    found, _ = saved(tmp_path / "slow", monkeypatch, freeze=PHASES)
    assert found == expected
