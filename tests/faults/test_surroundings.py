"""The same bytes whatever surrounds the process, and no traceback whatever is closed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from engine_recipes import run_recipe, write_recipe

from mtlkit import proving

ROOT = Path(__file__).parents[2]
ODD = {"PYTHONOPTIMIZE": "2", "PYTHONHASHSEED": "77", "LC_ALL": "C", "LANG": "C", "TZ": "Asia/Kathmandu"}


def started(words, environment=(), **streams):
    kept = {
        name: os.environ[name]
        for name in ("PATH", "PYTHONPATH", "MTLKIT_CACHE", "OMP_NUM_THREADS")
        if name in os.environ
    }
    asked = [sys.executable, "-m", "mtlkit", *words]
    return subprocess.run(
        asked,
        check=False,
        env={**kept, "HF_HUB_OFFLINE": "1", "PYTHONPATH": str(ROOT), **dict(environment)},
        **streams,
    )


def test_other_surroundings_give_the_same_bytes(tmp_path):
    """No HOME, another hash seed, locale, time zone and umask, no asserts, an odd path, closed streams."""
    recipe = write_recipe(tmp_path, length="4st", training='evaluate_every = "2st"')
    ended, _ = run_recipe(recipe)
    odd = tmp_path / "a b\u00fc\n{x}"
    odd.mkdir()
    done = started(
        ["run", str(recipe), "--out", str(odd)],
        ODD.items(),
        cwd=odd,
        umask=0o077,
        preexec_fn=lambda: [os.close(number) for number in (0, 1, 2)],
    )
    assert done.returncode == 0
    (run_dir,) = (path.parent for path in odd.glob("*/*/recipe.toml"))
    assert list(proving.differences(ended.run_dir, run_dir, 4)) == []


@pytest.mark.parametrize("closed", [1, 2])
def test_a_stream_that_is_closed_or_whose_reader_is_gone(tmp_path, closed):
    name = {1: "stdout", 2: "stderr"}[closed]
    other = {1: "stderr", 2: "stdout"}[closed]
    ours, theirs = os.pipe()
    os.close(ours)
    words = ["validate", str(write_recipe(tmp_path)), "--set", "seed=-1"]
    done = started(words, **{name: theirs, other: subprocess.PIPE})
    os.close(theirs)
    shown = done.stderr or done.stdout or b""
    assert b"Traceback" not in shown
    assert done.returncode in (0, 2)
