"""`mtlkit plan` draws the timeline, in the terminal and to a file."""

import json
import re
import sys
from pathlib import Path

import pytest

from mtlkit.cli.main import _code

ROOT = Path(__file__).parents[2]
BASE = str(ROOT / "recipes" / "scenarios" / "base.toml")
FROZEN = ["--set", "training.length=40st", "--set", "freeze.use=backbone"]


def drawn(capsys, *arguments: str) -> list[str]:
    assert _code(["plan", BASE, *FROZEN, *arguments]) == 0
    text = capsys.readouterr().out
    return [f"timeline:{text.partition('timeline:')[2]}", *text.split("\n")]


@pytest.mark.parametrize(("columns", "cells"), [(30, 26), (40, 26), (55, 40), (500, 40)])
def test_the_drawing_is_as_wide_as_the_terminal(capsys, monkeypatch, columns, cells):
    monkeypatch.setenv("COLUMNS", str(columns))
    drawing, *_ = drawn(capsys)
    rows = drawing.split("\n")
    assert "\x1b" not in drawing
    assert max(map(len, rows)) <= max(columns, 40)
    [head] = [row for row in rows if row.startswith("head.s")]
    assert head.count("█") == cells
    [embeddings] = [row for row in rows if row.startswith("embeddings")]
    assert embeddings.count("·") == cells


def test_colour_is_for_terminals_that_want_it(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    plain, *_ = drawn(capsys)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    coloured, *_ = drawn(capsys)
    assert "\x1b[" in coloured
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured).strip() == plain.strip()
    monkeypatch.setenv("NO_COLOR", "1")
    assert drawn(capsys)[0] == plain


@pytest.mark.parametrize(("name", "start"), [("plan.svg", b"<svg "), ("plan.png", b"\x89PNG")])
def test_plot(capsys, tmp_path, name, start):
    file = tmp_path / name
    assert _code(["plan", BASE, *FROZEN, "--plot", str(file), "--json"]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["steps"] == 40
    assert said.err == f"the timeline is drawn in {file}\n"
    assert file.read_bytes().startswith(start)


def test_another_suffix_is_refused_before_anything_is_read(capsys, tmp_path):
    assert _code(["plan", str(tmp_path / "none.toml"), "--plot", "plan.pdf"]) == 2
    assert capsys.readouterr().err == (
        "the timeline can't be drawn to plan.pdf  name a file that ends with .svg or .png\n"
    )


def test_a_folder_that_is_not_there(capsys, tmp_path):
    assert _code(["plan", BASE, *FROZEN, "--plot", str(tmp_path / "none" / "plan.svg")]) == 5
    assert "choose another file for --plot" in capsys.readouterr().err
