"""The commands as processes: what they import, and what they write where."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BASE = "recipes/scenarios/base.toml"
HEAVY = ("torch", "transformers", "datasets", "sklearn", "scipy")
PROBE = """
import sys
from mtlkit.cli.main import _code
code = _code({arguments!r})
print("LOADED", code, [name for name in {heavy!r} if name in sys.modules], file=sys.stderr)
"""


def started(*words: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    asked = [sys.executable, *words]
    return subprocess.run(
        asked, cwd=ROOT, capture_output=True, text=True, check=False, env={**os.environ, **environment}
    )


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["--version"], ["validate", BASE], ["validate", "recipes/quickstart.toml"],
     ["plugins", "--json"], ["schema"], ["run", "--help"]],
    ids=" ".join,
)  # fmt: skip
def test_light_commands_import_nothing_heavy(arguments):
    done = started("-c", PROBE.format(arguments=arguments, heavy=HEAVY))
    assert done.stderr.strip().split("\n")[-1] == "LOADED 0 []"
    assert done.stdout


@pytest.mark.parametrize("command", ["run", "plan", "data", "prove", "validate"])
def test_a_mistake_in_a_recipe_is_told_before_anything_heavy_is_imported(command):
    arguments = [command, BASE, "--set", "training.precison=fp32"]
    done = started("-c", PROBE.format(arguments=arguments, heavy=HEAVY))
    assert done.stderr.strip().split("\n") == [
        "--set  training.precison  unknown key 'precison'  did you mean 'precision'?",
        "LOADED 2 []",
    ]


@pytest.mark.parametrize("setting", [{}, {"NO_COLOR": "1"}])
def test_no_escape_codes_away_from_a_terminal(setting, tmp_path):
    for words in (
        ["--help"],
        ["nonsense"],
        ["run", BASE, "--set", "training.length=2st", "--out", str(tmp_path)],
    ):
        done = started("-m", "mtlkit", *words, **setting)
        assert "\x1b" not in done.stdout + done.stderr


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-16", "koi8-r"])
def test_no_encoding_of_standard_output_ends_a_command(encoding):
    def shown(*words):
        asked = [sys.executable, "-m", "mtlkit", "plugins", "layer-wise", *words]
        surroundings = {**os.environ, "PYTHONIOENCODING": encoding}
        return subprocess.run(
            asked, cwd=ROOT, capture_output=True, check=True, env=surroundings
        ).stdout.decode(encoding)

    assert json.loads(shown("--json"))[0]["name"] == "layer-wise"
    assert ("≥" in shown()) == (encoding in ("utf-16", "koi8-r"))
    assert ("\\u2265" in shown()) == (encoding not in ("utf-16", "koi8-r"))


def test_no_color_on_a_terminal():
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()
    environment = {**os.environ, "NO_COLOR": "1", "TERM": "xterm-256color"}
    asked = [sys.executable, "-m", "mtlkit", "--help"]
    process = subprocess.Popen(asked, cwd=ROOT, stdout=theirs, stderr=theirs, env=environment)
    os.close(theirs)
    shown = b""
    while part := _read(ours):
        shown += part
    os.close(ours)
    assert process.wait() == 0
    assert b"validate" in shown
    assert not re.findall(rb"\x1b\[[0-9;]*[34]\d[0-9;]*m", shown)


def _read(handle: int) -> bytes:
    try:
        return os.read(handle, 4096)
    except OSError:  # Linux: the other side has closed
        return b""


def test_run_json_is_all_there_is_on_standard_output(tmp_path):
    done = started(
        "-m", "mtlkit", "run", BASE, "--set", "training.length=2st", "--out", str(tmp_path), "--json"
    )
    assert done.returncode == 0
    assert json.loads(done.stdout)["steps"] == 2
    assert "phase-1: steps 0–2, 32 weights train, 0 frozen" in done.stderr
