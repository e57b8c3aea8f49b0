"""One mistake per file: the whole report of each, as a user reads it, and nothing else happens.

The first line of a recipe says which command finds its mistake. After a change of wording, write the
reports anew with `MTLKIT_WRITE_EXPECTED=1 pytest tests/recipes/test_broken.py`, and read the difference.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mtlkit.cli.main import _code

ROOT = Path(__file__).parents[2]
BROKEN = sorted((ROOT / "recipes" / "broken").rglob("*.toml"))
COMMANDS = {"# mtlkit validate": "validate", "# mtlkit plan": "plan"}


def command(path: Path) -> str:
    return COMMANDS[path.read_text(encoding="utf-8").split("\n", 1)[0]]


def seen() -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in (ROOT / "recipes").rglob("*")} | {
        path: 0 for path in ROOT.iterdir() if not path.name.startswith(".")
    }


def test_there_are_at_least_thirty_and_each_has_its_report():
    assert len(BROKEN) >= 30
    assert sum(not path.stem.startswith("several-") for path in BROKEN) >= 30
    reports = {path.with_suffix("") for path in (ROOT / "recipes" / "broken").rglob("*.expected")}
    assert reports == {path.with_suffix("") for path in BROKEN}


@pytest.mark.parametrize("path", BROKEN, ids=lambda path: path.stem)
def test_the_whole_report(path, capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    before = seen()
    code = _code([command(path), str(path.relative_to(ROOT))])
    out, report = capsys.readouterr()
    if os.environ.get("MTLKIT_WRITE_EXPECTED"):
        path.with_suffix(".expected").write_text(report, encoding="utf-8")
        return
    assert report == path.with_suffix(".expected").read_text(encoding="utf-8")
    assert (code, out) == (2, "")
    assert seen() == before


@pytest.mark.parametrize("path", BROKEN, ids=lambda path: path.stem)
def test_one_mistake_is_one_line_with_a_place(path):
    lines = path.with_suffix(".expected").read_text(encoding="utf-8").splitlines()
    several = path.stem.startswith("several-")
    assert len(lines) > 2 if several else len(lines) == 1
    for line in lines:
        file, row, column = line.partition("  ")[0].split(":")
        text = (ROOT / file).read_text(encoding="utf-8").split("\n")
        assert 1 <= int(row) <= len(text)
        assert 1 <= int(column) <= len(text[int(row) - 1]) + 1


@pytest.mark.parametrize("name", ["several-misspelt", "syntax-key-twice"])
def test_run_refuses_the_same_way_and_writes_nothing(name, tmp_path):
    recipe = f"recipes/broken/{name}.toml"
    asked = [sys.executable, "-m", "mtlkit", "run", recipe, "--out", str(tmp_path / "runs")]
    done = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (ROOT / recipe).with_suffix(".expected").read_text(encoding="utf-8")
    assert not (tmp_path / "runs").exists()


def test_the_report_for_machines_says_the_same(capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    recipe = "recipes/broken/several-misspelt.toml"
    assert _code(["validate", recipe, "--json"]) == 2
    out, err = capsys.readouterr()
    lines = [
        "  ".join(
            [f"{found['file']}:{found['line']}:{found['column']}", found["path"], found["message"]]
            + [found["suggestion"]] * bool(found["suggestion"])
        )
        for found in json.loads(out)["problems"]
    ]
    assert lines == (ROOT / recipe).with_suffix(".expected").read_text(encoding="utf-8").splitlines()
    assert err == ""
