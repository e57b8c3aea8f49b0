"""Clocks that jump: to another year, backwards, standing still. No byte of a run depends on them."""

import os
import time
from datetime import datetime
from random import Random

import pytest
from children import ended
from engine_recipes import run_recipe, write_recipe
from twins import Killed, until

import mtlkit
from mtlkit import proving
from mtlkit.api import preview, resume
from mtlkit.course import Audience, begin
from mtlkit.outputs import run_directory

SAVING = ["training.checkpoint_every=2st", "training.evaluate_every=2st", "training.length=6st"]
YEARS = 10 * 365 * 86400.0


def jumping():
    draw = Random(7)
    return lambda: 1.7e9 + draw.uniform(-YEARS, YEARS)


def going_back():
    left = iter(range(10**9, 0, -60))
    return lambda: float(next(left))


CLOCKS = {
    "jumps about": jumping,
    "stands still": lambda: lambda: 1.7e9,
    "goes back": going_back,
    "is before 1970": lambda: lambda: -5.0,
}


def set_clocks(clock):
    """Every clock that Python code reads, in this process."""
    for name in ("time", "monotonic", "perf_counter"):
        setattr(time, name, clock)
        setattr(time, f"{name}_ns", lambda: int(clock() * 1e9))

    class Now(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.fromtimestamp(abs(clock()), tz)

    run_directory.datetime = Now


@pytest.fixture(scope="module")
def straight(tmp_path_factory):
    folder = tmp_path_factory.mktemp("straight")
    recipe = write_recipe(folder)
    return recipe, run_recipe(recipe, SAVING)[0].run_dir


@pytest.mark.parametrize("how", CLOCKS)
def test_clocks_change_no_byte(tmp_path, straight, how):
    """A run that is killed under one clock and goes on under another; files have times of any order too."""
    recipe, expected = straight
    made = preview(mtlkit.plan(mtlkit.load(recipe, SAVING)))

    def first():
        set_clocks(CLOCKS[how]())
        with pytest.raises(Killed):
            begin(made, tmp_path, Audience(console=True, on_event=until(5).on_event))

    def second():
        (run_dir,) = (path.parent for path in tmp_path.glob("*/*/recipe.toml"))
        draw = Random(3)
        for path in run_dir.rglob("*"):
            os.utime(path, (draw.uniform(0, 4e9), draw.uniform(0, 4e9)))
        set_clocks(CLOCKS[how]())
        resume(run_dir, console=True)

    assert ended(first) == 0
    assert ended(second) == 0
    (run_dir,) = (path.parent for path in tmp_path.glob("*/*/recipe.toml"))
    assert list(proving.differences(expected, run_dir, 6)) == []


def test_two_runs_of_one_moment_have_directories_of_their_own(tmp_path, straight, monkeypatch):
    recipe, _ = straight

    class Now(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime(2026, 1, 1, tzinfo=tz)

    monkeypatch.setattr(run_directory, "datetime", Now)
    plan = mtlkit.plan(mtlkit.load(recipe, ["training.length=1st"]))
    names = [mtlkit.run(plan, tmp_path).run_dir.name for _ in range(3)]
    assert names == ["20260101-000000", "20260101-000000-2", "20260101-000000-3"]
