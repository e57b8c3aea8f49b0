"""Runs that keep the checkpoint of every step, and what goes on from any of them."""

import shutil
from pathlib import Path

import pytest
from attrs import frozen
from engine_recipes import write_recipe

import mtlkit
from mtlkit.api import preview
from mtlkit.contracts.events import StepDone
from mtlkit.course import Audience, begin, go_on
from mtlkit.engine.checkpoint import folder_name
from mtlkit.plan.changes import Leave

EVERY_STEP = ("training.checkpoint_every=1st", "training.keep=1000", "training.evaluate_every=2st")


class Killed(BaseException):
    """What stands for the end of the process: nothing but closing happens after it."""


@frozen(eq=False)
class Reference:
    """A run that nothing stopped before `steps` were done, with the checkpoint of each."""

    prepared: object
    run_dir: Path
    steps: int

    @property
    def log(self):
        """The lines of its event log."""
        return (self.run_dir / "events.jsonl").read_bytes().splitlines()

    def borders(self):
        """The steps at which a phase of the run began, but the first."""
        began = b'{"event": "PhaseStarted", "step": '
        found = {int(line[len(began) :].partition(b",")[0]) for line in self.log if line.startswith(began)}
        return sorted(found - {0})


def until(step):
    """An audience that leaves when it hears of that step."""

    def on_event(event):
        if isinstance(event, StepDone) and event.step == step:
            raise Killed

    return Audience(on_event=on_event)


def reference(folder, overrides=(), plugin_files=(), *, last=None, **changes):
    """Train the small recipe with these changes to its end, or until the step after `last`."""
    recipe = write_recipe(folder, **{"accumulate": 2, "batch": 8, **changes})
    return reference_of(recipe, overrides, plugin_files, last=last)


def reference_of(recipe, overrides=(), plugin_files=(), *, last=None):
    """The same with any recipe."""
    folder = recipe.parent
    plan = mtlkit.plan(mtlkit.load(recipe, [*EVERY_STEP, *overrides], plugin_files))
    prepared = preview(plan)
    if last is None:
        run_dir, told = begin(prepared, folder / "runs", Audience())
        return Reference(prepared, run_dir, told.ended.step)
    with pytest.raises(Killed):
        begin(prepared, folder / "runs", until(last + 1))
    (run_dir,) = (folder / "runs" / plan.name).iterdir()
    return Reference(prepared, run_dir, last)


def go_on_from(run, step, folder):
    """From the checkpoint of that step alone, train the next one and be killed in the one after.

    Both the state after that step and the log are those of the run that nothing stopped; what holds for
    every step holds for the whole run.
    """
    copy = folder / f"from-{step}"
    shutil.copytree(run.run_dir, copy, ignore=shutil.ignore_patterns("step-*", "tensorboard"))
    shutil.copytree(run.run_dir / "checkpoints" / folder_name(step), copy / "checkpoints" / folder_name(step))
    if step + 2 <= run.prepared.timeline.total:
        with pytest.raises(Killed):
            go_on(run.prepared, copy, until(step + 2), Leave())
    else:
        go_on(run.prepared, copy, Audience(), Leave())
    check_same(run, copy, min(step + 1, run.steps))
    shutil.rmtree(copy)


def check_same(run, copy, step):
    """The checkpoint of that step is that of the run that nothing stopped, and so is the log."""
    ours, theirs = (each / "checkpoints" / folder_name(step) for each in (copy, run.run_dir))
    files = sorted(path.name for path in theirs.iterdir())
    assert [name for name in files if (ours / name).read_bytes() != (theirs / name).read_bytes()] == []
    log = (copy / "events.jsonl").read_bytes().splitlines()
    assert log == run.log[: len(log)]
    assert len(log) > step
