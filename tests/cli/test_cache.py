"""`mtlkit cache`: what is stored is listed and removed, and what is not there is told."""

import json

import pytest
import torch

from mtlkit.cli.main import _code, main
from mtlkit.engine.shelf_file import Layout, ShelfFile
from mtlkit.engine.shelves import folder


@pytest.fixture
def stored(monkeypatch, tmp_path):
    monkeypatch.setenv("MTLKIT_CACHE", str(tmp_path))
    for name in ("aa1", "ab2", "bb3"):
        ShelfFile.make(
            folder() / name, Layout.of([2, 3]), torch.zeros(2, 4), {"words": f"states {name}"}
        ).close()
    return folder()


def told(capsys, *arguments):
    with pytest.raises(SystemExit) as left:
        main(["cache", *arguments])
    return left.value.code, *capsys.readouterr()


def test_all_or_those_that_begin_so_are_listed(stored, capsys):
    code, out, _ = told(capsys, "ls")
    assert code == 0
    assert all(f"states {name}" in out for name in ("aa1", "ab2", "bb3"))
    assert out.splitlines()[-1] == f"stored: 3 in {stored}, 0.0 MiB"
    code, out, _ = told(capsys, "ls", "a", "--json")
    assert [each["address"] for each in json.loads(out)["shelves"]] == ["aa1", "ab2"]
    assert {each["holds"] for each in json.loads(out)["shelves"]} == {"states aa1", "states ab2"}


def test_what_is_named_is_removed_and_nothing_that_is_open(stored, capsys):
    held = ShelfFile.open(stored / "ab2", Layout.of([2, 3]))
    code, out, _ = told(capsys, "rm", "a")
    assert code == 0
    assert out.splitlines()[-1] == f"removed: 1 in {stored}, 0.0 MiB"
    assert sorted(path.name for path in stored.iterdir()) == ["ab2", "bb3"]
    held.close()
    told(capsys, "rm")
    assert not list(stored.iterdir())


@pytest.mark.parametrize("action", ["ls", "rm"])
def test_a_beginning_of_nothing_is_told_and_nothing_removed(stored, capsys, action):
    code, out, error = told(capsys, action, "a", "zz")
    assert code == 2
    assert not out
    assert error == f"nothing in {stored} begins with 'zz'  `mtlkit cache ls` lists addresses\n"
    assert len(list(stored.iterdir())) == 3


def test_an_empty_beginning_is_not_all(stored, capsys):
    """As of a variable of the shell that is not set."""
    assert _code(["cache", "rm", ""]) == 2
    told = "an empty text is the beginning of every address  leave it out to mean all\n"
    assert capsys.readouterr().err == told
    assert _code(["cache", "ls", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["shelves"]) > 1
