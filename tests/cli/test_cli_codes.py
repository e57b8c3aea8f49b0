"""Every documented exit code, each with a report and without a traceback."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from mtlkit.cli.main import _code

ROOT = Path(__file__).parents[2]
BASE = str(ROOT / "recipes" / "scenarios" / "base.toml")

BROKEN_PLUGIN = """
import mtlkit
from attrs import frozen

@frozen
class Options:
    '''No options.'''

def build(options, context):
    raise KeyError("gone")

@mtlkit.hookimpl
def mtlkit_cards():
    return [mtlkit.Card("head", "broken-head", "fails", Options, "mtlkit_test_broken_head:build")]
"""


def ended(capsys, *arguments: str) -> tuple[int, str]:
    code = _code(list(arguments))
    return code, capsys.readouterr().err.strip().split("\n")[-1]


def test_0_done(capsys):
    assert ended(capsys, "validate", BASE) == (0, "")


@pytest.mark.parametrize(
    "arguments",
    [["validate"], ["validate", BASE, "--nonsense"], ["trian", BASE], ["run", BASE, "--set", "training"]],
)
def test_2_wrong_usage(capsys, arguments):
    code, report = ended(capsys, *arguments)
    assert code == 2
    assert report


def test_3_unreadable_data(capsys, tmp_path):
    file = tmp_path / "torn.csv"
    file.write_text("text,label\n" + "good,positive\n" * 3000 + "bad,negative,sad\n")
    code, report = ended(capsys, "plan", BASE, "--set", f"data.opinions.path={file}")
    assert code == 3
    assert "torn.csv" in report
    assert "3002" in report


def test_4_a_broken_plugin(capsys, tmp_path):
    plugin = tmp_path / "mtlkit_test_broken_head.py"
    plugin.write_text(BROKEN_PLUGIN)
    recipe = tmp_path / "r.toml"
    recipe.write_text(f'extends = "{BASE}"\n[tasks.sentiment]\nhead = {{ use = "broken-head" }}\n')
    code, report = ended(capsys, "plan", str(recipe), "--plugin", str(plugin))
    assert code == 4
    assert report.startswith(
        "head 'broken-head' of mtlkit_test_broken_head.py  failed to build: KeyError: 'gone'"
    )


def test_5_something_missing(capsys, tmp_path):
    (tmp_path / "file").write_text("")
    code, report = ended(capsys, "run", BASE, "--set", "training.length=1st", "--out", str(tmp_path / "file"))
    assert code == 5
    assert report.endswith("choose another --out")


def test_6_training_failed(capsys, tmp_path):
    settings = ["optimizer.use=sgd", "lr.peak=1e30", "training.grad_clip=false", "training.length=9st"]
    overrides = [word for setting in settings for word in ("--set", setting)]
    code, report = ended(capsys, "run", BASE, *overrides, "--out", str(tmp_path))
    assert code == 6
    assert "is nan at step" in report


def test_7_the_run_is_busy(capsys, tmp_path):
    from mtlkit.outputs.run_lock import locked

    arguments = ["run", BASE, "--set", "training.length=1st", "--out", str(tmp_path)]
    assert ended(capsys, *arguments)[0] == 0
    (run_dir,) = (path.parent for path in tmp_path.glob("*/*/recipe.toml"))
    log = run_dir / "events.jsonl"
    log.write_bytes(b"".join(log.read_bytes().splitlines(keepends=True)[:-1]))  # as if it had not ended
    with locked(run_dir):
        code, report = ended(capsys, "resume", str(run_dir))
    assert code == 7
    assert report == f"another process is at work on {run_dir}  wait until it has ended, or stop it"
    assert ended(capsys, "resume", str(run_dir))[0] == 0


def test_every_documented_code_has_a_test():
    """129, 130, 138, 140, 143 and 152 are in tests/faults/test_signals.py, 1 is whatever is none of them."""
    page = (ROOT / "docs" / "reference" / "exit-codes.md").read_text(encoding="utf-8")
    documented = {int(code) for code in re.findall(r"^\| (\d+) \|", page, re.MULTILINE)}
    tested = {int(name.split("_")[1]) for name in globals() if re.match(r"test_\d", name)}
    assert documented == tested | {1, 129, 130, 138, 140, 143, 152}


def test_a_bug_shows_a_traceback(tmp_path):
    program = (
        "import sys, mtlkit.api as api; api.load = lambda *_: 1 / 0; "
        "from mtlkit.cli.main import main; main(['validate', 'x.toml'])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "ZeroDivisionError" in done.stderr
