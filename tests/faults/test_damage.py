"""Every file of a checkpoint, damaged in every way: named, and the checkpoint before it is used."""

import os
import shutil
from pathlib import Path
from random import Random

import pytest
from engine_recipes import write_recipe
from test_writer import snapshot

import mtlkit
from mtlkit.cli.main import _code
from mtlkit.engine.checkpoint import FILES, MANIFEST, newest, verify
from mtlkit.engine.writing import write

ALL = (*FILES, MANIFEST)
FLIPS = 150


@pytest.fixture
def two(tmp_path):
    return write(snapshot(1), tmp_path), write(snapshot(2), tmp_path)


def change(path, content):
    path.unlink()
    path.write_bytes(content)


@pytest.mark.parametrize("name", ALL)
def test_any_other_byte_anywhere(two, name):
    """Of the manifest every byte, also one that JSON would not mind; of the others a sample."""
    before, folder = two
    path = folder / name
    content = path.read_bytes()
    draw = Random(name)
    places = range(len(content)) if name == MANIFEST else draw.sample(range(len(content)), FLIPS)
    for at in places:
        for byte in {content[at] ^ (1 << draw.randrange(8)), draw.randrange(256), 32} - {content[at]}:
            path.write_bytes(content[:at] + bytes([byte]) + content[at + 1 :])
            assert (at, byte, verify(folder)) == (at, byte, [name])
    path.write_bytes(content)
    assert verify(folder) == []
    assert newest(before.parent) == (folder, [])


@pytest.mark.parametrize("more", [b"\n", b" ", b"\0", b"{}"])
@pytest.mark.parametrize("where", ["before", "after"])
@pytest.mark.parametrize("name", ALL)
def test_more_than_was_written(two, name, more, where):
    _, folder = two
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(more + content if where == "before" else content + more)
    assert verify(folder) == [name]


@pytest.mark.parametrize("name", ALL)
def test_cut_anywhere(two, name):
    _, folder = two
    content = (folder / name).read_bytes()
    for length in {0, 1, 7, 8, *Random(name).sample(range(len(content)), 30), len(content) - 1}:
        (folder / name).write_bytes(content[:length])
        assert verify(folder) == [name]


def elsewhere(path):
    """The path moved away, for a link to it."""
    return path.rename(path.parent.parent / "elsewhere")


REPLACED = {
    "a folder": lambda path: (path.unlink(), path.mkdir()),
    "a link to itself": lambda path: (path.unlink(), path.symlink_to(path.name)),
    "a link to nothing": lambda path: (path.unlink(), path.symlink_to("nothing")),
    "a link to the same content": lambda path: path.symlink_to(elsewhere(path)),
    "a pipe": lambda path: (path.unlink(), os.mkfifo(path)),
    "a device": lambda path: (path.unlink(), path.symlink_to("/dev/zero")),
}


@pytest.mark.parametrize("kind", REPLACED)
@pytest.mark.parametrize("name", ALL)
def test_something_else_in_its_place(two, name, kind):
    before, folder = two
    REPLACED[kind](folder / name)
    assert verify(folder) == [name]
    whole, (damaged,) = newest(before.parent)
    assert (whole, str(damaged)) == (before, f"step-00000002 is damaged: {name}")


@pytest.mark.parametrize("name", ALL)
def test_the_file_of_another_checkpoint(two, name):
    before, folder = two
    shutil.copy(before / name, folder / name)
    found = verify(folder)
    assert sorted(found) == (sorted(ALL) if name == MANIFEST else [name])


@pytest.mark.parametrize("kind", ["a file", "a pipe", "a link", "an empty folder", "an unreadable folder"])
def test_something_else_in_the_place_of_the_checkpoint(two, kind):
    before, folder = two
    aside = folder.rename(folder.parent.parent / f"{folder.parent.name}-aside")
    if kind == "a file":
        folder.write_bytes(b"")
    elif kind == "a pipe":
        os.mkfifo(folder)
    elif kind == "a link":
        folder.symlink_to(aside)
    else:
        folder.mkdir()
    if kind == "an unreadable folder":
        (folder / MANIFEST).symlink_to(folder)
    whole, (damaged,) = newest(before.parent)
    assert whole == before
    assert damaged.folder == folder


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    """A run of six steps whose log has no end."""
    folder = tmp_path_factory.mktemp("stopped")
    overrides = ["training.checkpoint_every=2st", "training.length=6st", "training.keep=3"]
    plan = mtlkit.plan(mtlkit.load(write_recipe(folder, more=""), overrides))
    run_dir = mtlkit.run(plan, folder / "runs").run_dir
    log = run_dir / "events.jsonl"
    log.write_bytes(b"".join(log.read_bytes().splitlines(keepends=True)[:-1]))
    return run_dir


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("name", ALL)
def test_a_resume_names_it_and_goes_on_before_it(tmp_path, stopped, capsys, name):
    run_dir = Path(shutil.copytree(stopped, tmp_path / "run"))
    flip(run_dir / "checkpoints" / "step-00000006" / name)
    assert _code(["resume", str(run_dir), "--strict"]) == 5
    assert capsys.readouterr().err == f"step-00000006 is damaged: {name}\n"
    assert _code(["resume", str(run_dir)]) == 0
    told = capsys.readouterr().err
    assert f"warning: step-00000006 is damaged: {name}" in told
    assert "goes on after step 4" in told
    assert (run_dir / "checkpoints" / "step-00000006.damaged1").is_dir()
    for each in ("weights.safetensors", "optimizer.safetensors", "state.json"):
        ours, theirs = (run / "checkpoints" / "step-00000006" / each for run in (run_dir, stopped))
        assert ours.read_bytes() == theirs.read_bytes()


def test_all_damaged_is_refused_with_each_named(tmp_path, stopped, capsys):
    run_dir = Path(shutil.copytree(stopped, tmp_path / "run"))
    for step, name in ((2, MANIFEST), (4, FILES[0]), (6, FILES[2])):
        flip(run_dir / "checkpoints" / f"step-{step:08d}" / name)
    before = set(run_dir.glob("**/*"))
    assert _code(["resume", str(run_dir)]) == 5
    assert capsys.readouterr().err.splitlines() == [
        f"step-00000006 is damaged: {FILES[2]}",
        f"step-00000004 is damaged: {FILES[0]}",
        f"step-00000002 is damaged: {MANIFEST}",
        f"no checkpoint in {run_dir}/checkpoints is whole  restore one from a backup, or start the run anew",
    ]
    assert set(run_dir.glob("**/*")) == before


def test_a_newest_checkpoint_that_is_gone_is_named(tmp_path, stopped, capsys):
    run_dir = Path(shutil.copytree(stopped, tmp_path / "run"))
    log = run_dir / "events.jsonl"
    assert b'{"event": "Checkpointed", "step": 6,' in log.read_bytes()
    shutil.rmtree(run_dir / "checkpoints" / "step-00000006")
    assert _code(["resume", str(run_dir), "--strict"]) == 5
    assert capsys.readouterr().err == "step-00000006 is damaged: it is missing\n"
    assert _code(["resume", str(run_dir)]) == 0
    assert "warning: step-00000006 is damaged: it is missing" in capsys.readouterr().err
    assert (run_dir / "checkpoints" / "step-00000006").is_dir()


def test_a_run_whose_checkpoints_are_gone_does_not_begin_anew_by_itself(tmp_path, stopped, capsys):
    run_dir = Path(shutil.copytree(stopped, tmp_path / "run"))
    shutil.rmtree(run_dir / "checkpoints")
    before = {path: path.read_bytes() for path in run_dir.rglob("*") if path.is_file()}
    assert _code(["resume", str(run_dir)]) == 5
    missing, none = capsys.readouterr().err.splitlines()
    assert missing == "step-00000006 is damaged: it is missing"
    assert none.startswith(f"no checkpoint in {run_dir}/checkpoints is whole")
    assert {path: path.read_bytes() for path in run_dir.rglob("*") if path.is_file()} == before


def test_a_folder_of_checkpoints_that_can_not_be_read_is_not_an_empty_one(tmp_path, stopped, capsys):
    run_dir = Path(shutil.copytree(stopped, tmp_path / "run"))
    shutil.rmtree(run_dir / "checkpoints")
    (run_dir / "checkpoints").write_bytes(b"")
    assert _code(["resume", str(run_dir)]) == 5
    assert capsys.readouterr().err == f"{run_dir}/checkpoints can't be read: Not a directory\n"


@pytest.mark.parametrize("command", ["evaluate", "resume"])
@pytest.mark.parametrize("name", ["heads.json", "recipe.toml"])
def test_a_pipe_in_the_place_of_another_file_of_the_run_is_not_waited_for(
    tmp_path, stopped, capsys, name, command
):
    run_dir = Path(shutil.copytree(stopped, tmp_path / "run"))
    (run_dir / name).unlink()
    os.mkfifo(run_dir / name)
    code = _code([command, str(run_dir)])
    if (name, command) == ("heads.json", "resume"):
        assert code == 0  # it is written anew
        assert (run_dir / name).is_file()
    else:
        assert code == 5
        assert name in capsys.readouterr().err
