"""Places that can be none: told in one line, with what would be right."""

import os

import pytest

from mtlkit.cli.main import _code

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
