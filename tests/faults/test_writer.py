"""A process that dies anywhere in the writer, a disk without room, files that are not what they were."""

import os
import resource
import shutil
import signal
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from children import die, die_after, ended
from engine_recipes import write_recipe
from twins import Killed, until

import mtlkit
from mtlkit.api import preview, resume
from mtlkit.contracts.progress import Measurement
from mtlkit.course import Audience, begin
from mtlkit.engine import writing
from mtlkit.engine.checkpoint import FILES, MANIFEST, folders, leftovers, newest, read, verify
from mtlkit.engine.snapshot import Snapshot, Standing
from mtlkit.engine.writing import Saver, sweep, write
from mtlkit.errors import BusyError, ResourceError
from mtlkit.outputs.run_lock import locked

POINTS = (
    "begun", "weights", "optimizer", "state", "manifest", "filled", "renamed", "synced", "verified", "deleting", "done",
)  # fmt: skip


def snapshot(step, size=64):
    """Something to write that differs from step to step."""
    weights = {"backbone.w": torch.full((size,), float(step)), "buffer:heads.news.n": torch.tensor(step)}
    state = {"backbone.w::exp_avg": torch.linspace(0, step, size)}
    return Snapshot(
        weights,
        state,
        {},
        {},
        step,
        {"news": 3 * step},
        (Measurement(step, "news/x", 0.5),),
        Standing(told=step),
    )


def check_snapshot(checkpoint, step):
    stored = read(checkpoint)
    assert (stored.step, stored.cursors, stored.standing) == (step, {"news": 3 * step}, Standing(told=step))
    assert torch.equal(stored.weights["backbone.w"], torch.full((64,), float(step)))


def test_the_points_are_those_of_the_writer():
    source = Path(writing.__file__).read_text(encoding="utf-8")
    named = {part.partition('"')[0] for part in source.split('_reached("')[1:]}
    assert named == {*POINTS, "replaced"}


@pytest.mark.parametrize("position", [1, 2, 4])
@pytest.mark.parametrize("point", POINTS)
def test_killed_at_a_point_of_the_writer(tmp_path, monkeypatch, point, position):
    """The checkpoints before stay whole, the new one counts or does not, and the next save clears up."""

    def work():
        def reached(name):
            if name == point and step == position:
                die()

        writing._reached = reached
        for step in (1, 2, 3, 4):
            write(snapshot(step), tmp_path)

    dies = point != "deleting" or position > 2  # nothing is deleted before the third
    assert ended(work) == (-signal.SIGKILL if dies else 0)
    if not dies:
        return
    sweep(tmp_path)
    assert list(leftovers(tmp_path)) == []
    whole, damaged = newest(tmp_path)
    assert damaged == []
    after = POINTS.index(point) >= POINTS.index("renamed")
    expected = position if after else position - 1
    assert (whole is None) == (expected == 0)
    if whole is not None:
        check_snapshot(whole, expected)
    write(snapshot(9), tmp_path)
    check_snapshot(newest(tmp_path)[0], 9)


def test_killed_while_one_of_the_same_step_is_replaced(tmp_path):
    write(snapshot(1), tmp_path)
    write(snapshot(2), tmp_path)

    def work():
        writing._reached = lambda name: die() if name == "replaced" else None
        write(snapshot(2, size=32), tmp_path)

    assert ended(work) == -signal.SIGKILL
    sweep(tmp_path)
    check_snapshot(newest(tmp_path)[0], 2)


def test_a_file_size_limit_is_a_full_disk(tmp_path):
    """As root every disk has room and every folder may be written; a limit on file sizes stops root too."""
    write(snapshot(1), tmp_path)

    def work():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        try:
            write(snapshot(2, size=4096), tmp_path)
        except ResourceError as error:
            return 5 if "File too large" in str(error) else 1
        return 2

    assert ended(work) == 5
    assert list(leftovers(tmp_path)) == []
    check_snapshot(newest(tmp_path)[0], 1)


def test_a_disk_without_room_is_told_before_anything_is_written(tmp_path, monkeypatch):
    write(snapshot(1), tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    with pytest.raises(ResourceError) as caught:
        write(snapshot(2), tmp_path)
    assert "it needs 66,056 bytes, and 1,000 are free on the disk" in str(caught.value)
    assert [path.name for path in folders(tmp_path)] == ["step-00000001"]


def test_what_goes_wrong_in_the_background_is_raised_by_the_next_call(tmp_path):
    (tmp_path / "checkpoints").write_text("a file")
    saver = Saver(tmp_path / "checkpoints")
    saver.begin(snapshot(1))
    with pytest.raises(ResourceError, match="could not be written"):
        saver.wait()
    assert saver.finish() is None


DAMAGES = {
    "deleted": lambda _: None,
    "emptied": lambda _: b"",
    "cut in half": lambda content: content[: len(content) // 2],
    "one byte more": lambda content: content + b"\0",
    "one byte less": lambda content: content[:-1],
    "a byte changed": lambda content: content[:-3] + bytes([content[-3] ^ 255]) + content[-2:],
    "512 bytes zeroed": lambda content: bytes(min(512, len(content))) + content[512:],
    "a bit flipped": lambda content: bytes([content[0] ^ 1]) + content[1:],
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", [*FILES, MANIFEST])
def test_every_damage_is_named_and_the_checkpoint_before_is_used(tmp_path, name, damage):
    before, folder = write(snapshot(1), tmp_path), write(snapshot(2), tmp_path)
    content = DAMAGES[damage]((folder / name).read_bytes())
    (folder / name).unlink()
    if content is not None:
        (folder / name).write_bytes(content)
    assert verify(folder) == [name]
    whole, (damaged,) = newest(tmp_path)
    assert (whole, str(damaged)) == (before, f"step-00000002 is damaged: {name}")


def test_a_file_that_is_not_of_the_checkpoint_is_named(tmp_path):
    folder = write(snapshot(1), tmp_path)
    (folder / "model.bin").write_bytes(b"")
    assert verify(folder) == ["model.bin, which is not of it"]


def test_a_link_in_the_place_of_a_file_is_not_followed(tmp_path):
    folder = write(snapshot(1), tmp_path)
    elsewhere = tmp_path / "elsewhere"
    (folder / "state.json").rename(elsewhere)
    (folder / "state.json").symlink_to(elsewhere)
    assert verify(folder) == ["state.json"]


def test_a_checkpoint_of_another_format_is_told_apart_from_a_damaged_one(tmp_path, monkeypatch):
    monkeypatch.setattr(writing, "FORMAT", 99)
    with pytest.raises(ResourceError, match="did not read back"):
        write(snapshot(1), tmp_path)
    assert verify(tmp_path / "step-00000001") == ["manifest.json (format 99, this mtlkit reads 3)"]


def test_folders_that_only_look_like_a_checkpoint_are_passed_over(tmp_path):
    whole = write(snapshot(1), tmp_path)
    (tmp_path / "step-00000009.partial").mkdir()
    (tmp_path / "step-latest").mkdir()
    assert newest(tmp_path) == (whole, [])


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("killed")
    overrides = ["training.checkpoint_every=2st", "training.evaluate_every=3st"]
    made = preview(mtlkit.plan(mtlkit.load(write_recipe(folder), overrides)))
    run_dir, told = begin(made, folder / "straight", Audience())
    return made, run_dir, told.ended.step


@pytest.mark.parametrize("seconds", [0.001, 0.05, 0.1, 0.15, 0.2, 0.3])
def test_killed_at_any_moment_again_and_again(tmp_path, prepared, seconds):
    """Each process lives a little longer than the one before; what the last one leaves are the same bytes."""
    made, straight, steps = prepared

    def first():
        die_after(seconds)
        begin(made, tmp_path, Audience())

    code = ended(first)
    runs = [path.parent for path in tmp_path.glob("*/*/recipe.toml")]
    if not runs:
        assert code == -signal.SIGALRM  # so early that there is nothing yet
        return
    (run_dir,) = runs
    lives = 0
    while code != 0:
        lives += 1
        assert (code, lives < 50) == (-signal.SIGALRM, True)

        def next_life(lives=lives):
            die_after(seconds + 0.05 * lives)
            resume(run_dir)

        code = ended(next_life)
    last = f"checkpoints/step-{steps:08d}"
    for name in ("events.jsonl", *(f"{last}/{each}" for each in FILES)):
        assert (run_dir / name).read_bytes() == (straight / name).read_bytes()
    assert list(leftovers(run_dir / "checkpoints")) == []


def test_two_processes_on_one_run(tmp_path, prepared):
    made, _, _ = prepared
    with pytest.raises(Killed):
        begin(made, tmp_path, until(3))
    (run_dir,) = (path.parent for path in tmp_path.glob("*/*/recipe.toml"))
    with locked(run_dir), pytest.raises(BusyError) as caught:
        resume(run_dir)
    assert (
        str(caught.value) == f"another process is at work on {run_dir}  wait until it has ended, or stop it"
    )
    assert caught.value.exit_code == 7

    def holder():
        with locked(run_dir):
            die()

    assert ended(holder) == -signal.SIGKILL
    assert resume(run_dir).steps == 12  # a lock ends with its process
    assert os.path.lexists(run_dir / ".lock")
