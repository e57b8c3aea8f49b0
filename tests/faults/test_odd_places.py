"""Places that can be none: told in one line, with what would be right."""

import errno
import json
import os
from pathlib import Path

import pytest
from engine_recipes import run_recipe, write_recipe

from mtlkit.cli.main import _code
from mtlkit.engine import checkpoint, head_facts, shelves

LONG = "x" * 5_000


@pytest.mark.parametrize("command", ["resume", "evaluate", "export", "predict", "convert"])
def test_a_name_that_is_too_long(capsys, command):
    assert _code([command, LONG]) == 5
    end = "x" * 20 if command == "convert" else f"{'x' * 8}/recipe.toml"
    assert capsys.readouterr().err == f"{'x' * 100}…{end}: File name too long  choose a shorter name\n"


@pytest.mark.parametrize("command", ["resume", "evaluate", "export", "predict", "convert"])
@pytest.mark.parametrize("place", ["nothere", "folder", "file", "file/x", "loop", "..", ""])
def test_what_is_no_run_and_no_model(tmp_path, monkeypatch, capsys, command, place):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_bytes(b"\x80\x02}q")
    (tmp_path / "loop").symlink_to("loop")
    before = sorted(tmp_path.rglob("*"))
    if (command, place) == ("convert", "file"):
        return
    assert _code([command, place]) in (2, 5)
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "  " in told.strip()  # what would be right
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("command", ["validate", "plan", "run", "data"])
@pytest.mark.parametrize("place", ["nothere", "folder", "file", "file/x", "loop", "..", "", LONG])
def test_what_is_no_recipe(tmp_path, monkeypatch, capsys, command, place):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_bytes(b"\x80\x02}q")
    (tmp_path / "loop").symlink_to("loop")
    assert _code([command, place]) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("place", ["pipe", "/dev/zero", "/dev/tty", "link"])
def test_a_recipe_extends_no_pipe_and_no_device(tmp_path, monkeypatch, capsys, place):
    """Nothing would ever come, or never end; what is named on the command line may be a pipe."""
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe")
    (tmp_path / "link").symlink_to("pipe")
    (tmp_path / "r.toml").write_text(f'extends = "{place}"\n')
    assert _code(["validate", "r.toml"]) == 2
    told = f"r.toml:1:11  extends  {place!r} is a pipe or a device  extend a file\n"
    assert capsys.readouterr().err == told


@pytest.mark.parametrize(
    "thing",
    [
        "loop.py:X",
        "folder.py:X",
        "leaves.py:X",
        "pipe.py:X",
        "nothere.py:X",
        ":",
        "a:",
        ":b",
        "..:x",
        "a.b.c:d",
    ],
)
def test_what_is_no_plugin_to_check(tmp_path, monkeypatch, capsys, thing):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "loop.py").symlink_to("loop.py")
    (tmp_path / "folder.py").mkdir()
    (tmp_path / "leaves.py").write_text("raise SystemExit(0)")
    os.mkfifo("pipe.py")
    assert _code(["check", thing]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def refusing(function, name, number):
    """The function, but of a file of that name the system says that it may not be read."""

    def call(path, *words):
        if Path(path).name == name:
            raise OSError(number, os.strerror(number), str(path))
        return function(path, *words)

    return call


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM, errno.EMFILE, errno.ENFILE, errno.ENOMEM])
@pytest.mark.parametrize("name", ["weights.safetensors", "manifest.json"])
def test_what_may_not_be_read_is_not_called_damaged(tmp_path, monkeypatch, capsys, number, name):
    """By root everything may be read, and without much running no table of files is full."""
    result, _ = run_recipe(write_recipe(tmp_path, length="2st", more=""))
    log = result.run_dir / "events.jsonl"
    log.write_bytes(log.read_bytes().rpartition(b"{")[0])
    before = sorted(path.name for path in (result.run_dir / "checkpoints").iterdir())
    for function in ("as_read", "read_bytes"):
        monkeypatch.setattr(checkpoint, function, refusing(getattr(checkpoint, function), name, number))
    capsys.readouterr()
    for command in ("resume", "evaluate", "export"):
        assert _code([command, str(result.run_dir)]) == 5
        told = capsys.readouterr().err
        assert os.strerror(number) in told
        assert "damaged" not in told
    assert sorted(path.name for path in (result.run_dir / "checkpoints").iterdir()) == before


def test_facts_that_may_not_be_read(tmp_path, monkeypatch, capsys):
    result, _ = run_recipe(write_recipe(tmp_path, length="2st", more=""))
    path = result.run_dir / head_facts.FILE
    monkeypatch.setattr(head_facts, "read_bytes", refusing(head_facts.read_bytes, path.name, errno.EACCES))
    capsys.readouterr()
    assert _code(["evaluate", str(result.run_dir)]) == 5
    assert capsys.readouterr().err == f"{path} can't be read: Permission denied\n"


def test_a_store_that_may_not_be_read_ends_no_run(tmp_path, monkeypatch, capsys):
    """As in a container whose home belongs to somebody else."""

    def listed(_folder):
        raise PermissionError(errno.EACCES, "Permission denied", str(_folder))

    from mtlkit.engine import cache

    monkeypatch.setattr(cache, "kept", listed)
    recipe = write_recipe(tmp_path, length="2st", more="")
    words = ["run", str(recipe), "--out", str(tmp_path / "runs"), "--set", "freeze={use='backbone'}"]
    assert _code(words) == 0
    monkeypatch.setattr(shelves, "kept", listed)
    capsys.readouterr()
    assert _code(["cache", "ls"]) == 5
    assert "Permission denied" in capsys.readouterr().err


def test_a_recipe_that_may_not_be_read(tmp_path, monkeypatch, capsys):
    recipe = write_recipe(tmp_path, more="")

    def denied(*_words, **_named):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "open", denied)
    assert _code(["validate", str(recipe)]) == 2
    told = f"{str(recipe)!r} can't be read: Permission denied  get the right to read it, or name another\n"
    assert capsys.readouterr().err == told


@pytest.mark.parametrize("command", ["validate", "plan", "run", "data"])
def test_a_plugin_file_that_can_not_be_used_is_told_though_nothing_uses_it(tmp_path, capsys, command):
    recipe, broken = write_recipe(tmp_path, more=""), tmp_path / "mtlkit_odd_broken.py"
    broken.write_text("1 / 0")
    files = [tmp_path / "nothere.py", broken]
    words = [word for file in files for word in ("--plugin", str(file))]
    assert _code([command, str(recipe), *words]) == 4
    assert capsys.readouterr().err.splitlines() == [
        f"the plugins of {file.name} failed to load ({file}): {cause}  mend the file, or leave out --plugin"
        for file, cause in zip(
            files,
            ["FileNotFoundError: the file does not exist", "ZeroDivisionError: division by zero"],
            strict=True,
        )
    ]


def test_a_working_directory_that_is_gone(tmp_path, monkeypatch, capsys):
    recipe = write_recipe(tmp_path, more="")
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    try:
        assert _code(["validate", str(recipe)]) == 0
        for words in (
            ["validate", "r.toml"],
            ["check", "x.py:Y"],
            ["new", "head", "abc"],
            ["resume", "runs/x"],
        ):
            capsys.readouterr()
            assert _code(words) in (2, 5)
            assert capsys.readouterr().err.count("\n") == 1
    finally:
        monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("place", ["x" * 300, "a\0b", "x/" * 3000, "file/x", "loop"])
def test_a_recipe_extends_what_can_be_no_file(tmp_path, monkeypatch, capsys, place):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "r.toml").write_text(f"extends = {json.dumps(place)}\n")
    assert _code(["validate", "r.toml"]) == 2
    told = capsys.readouterr().err
    assert told.startswith("r.toml:1:11  extends  ")
    assert told.count("\n") == 1
