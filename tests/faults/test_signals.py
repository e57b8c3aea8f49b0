"""Signals, wherever they come: the run is saved, says how it goes on, and ends with the right code."""

import os
import signal

import pytest
from children import ended
from engine_recipes import write_recipe

from mtlkit import course, proving
from mtlkit.cli.main import _code
from mtlkit.engine import evaluate, loop, session, writing
from mtlkit.engine.checkpoint import newest
from mtlkit.outputs.event_log import has_ended

SETTINGS = ["training.checkpoint_every=2st", "training.evaluate_every=2st", "training.length=8st"]
CODES = {
    signal.SIGINT: 130,
    signal.SIGTERM: 143,
    signal.SIGHUP: 129,
    signal.SIGXCPU: 152,
    signal.SIGUSR1: 138,
    signal.SIGUSR2: 140,
}


@pytest.fixture(scope="module")
def recipe(tmp_path_factory):
    return write_recipe(tmp_path_factory.mktemp("recipe"))


def arguments(recipe, folder):
    words = [word for setting in SETTINGS for word in ("--set", setting)]
    return ["run", str(recipe), "--out", str(folder / "runs"), *words]


def run_dir_in(folder):
    (found,) = (path.parent for path in (folder / "runs").glob("*/*/recipe.toml"))
    return found


def raising(module, name, number, at=1):
    """The function, but before its `at`-th call the signal comes."""
    call, calls = getattr(module, name), []

    def function(*words, **named):
        calls.append(name)
        if len(calls) == at:
            signal.raise_signal(number)
        return call(*words, **named)

    return function


@pytest.fixture(scope="module")
def straight(tmp_path_factory, recipe):
    folder = tmp_path_factory.mktemp("straight")
    assert _code(arguments(recipe, folder)) == 0
    return run_dir_in(folder)


PLACES = [
    ("training", loop, "training_step", 4, 4),
    ("evaluation", loop, "measures", 3, 4),
    ("the first evaluation", loop, "measures", 1, 0),
    ("the final evaluation", loop, "scores", 1, 8),
    ("saving", writing, "write", 2, 4),
    ("a phase change", loop, "frozen_digests", 1, 0),
]


@pytest.mark.parametrize(
    ("place", "module", "name", "at", "step"), PLACES, ids=[place[0] for place in PLACES]
)
def test_a_signal_during(tmp_path, recipe, monkeypatch, capsys, straight, place, module, name, at, step):
    monkeypatch.setattr(module, name, raising(module, name, signal.SIGTERM, at))
    before = signal.getsignal(signal.SIGTERM)
    assert _code(arguments(recipe, tmp_path)) == 143
    assert signal.getsignal(signal.SIGTERM) == before
    run_dir = run_dir_in(tmp_path)
    told = capsys.readouterr().err.strip().splitlines()[-1]
    saved = f" and saved in {run_dir}/checkpoints/step-{step:08d}" if step else ""
    if place != "saving":  # a thread writes: which step the signal meets is not said
        assert told == f"stopped after {step} steps{saved}  go on with: mtlkit resume {run_dir}"
    monkeypatch.undo()
    assert _code(["resume", str(run_dir)]) == 0
    assert list(proving.differences(straight, run_dir, 8)) == []


@pytest.mark.parametrize(("number", "code"), CODES.items(), ids=[number.name for number in CODES])
def test_the_code_is_that_of_the_signal(tmp_path, recipe, monkeypatch, number, code):
    monkeypatch.setattr(loop, "training_step", raising(loop, "training_step", number, 2))
    before = signal.signal(number, signal.SIG_DFL)  # under nohup it would be ignored, as it should
    try:
        assert _code(arguments(recipe, tmp_path)) == code
    finally:
        signal.signal(number, before)
    assert newest(run_dir_in(tmp_path) / "checkpoints")[0].name == "step-00000002"
    assert not has_ended(run_dir_in(tmp_path))


@pytest.mark.parametrize(("module", "name"), [(session, "read_data"), (course, "open_session")])
def test_a_signal_while_data_and_weights_are_loaded_leaves_nothing(
    tmp_path, recipe, monkeypatch, capsys, module, name
):
    monkeypatch.setattr(module, name, raising(module, name, signal.SIGINT))
    assert _code(arguments(recipe, tmp_path)) == 130
    told = capsys.readouterr().err.strip().splitlines()[-1]
    assert told == "stopped before the first step  nothing was saved; run the command again"
    assert not (tmp_path / "runs").exists()


def test_a_signal_while_features_are_stored(tmp_path, recipe, monkeypatch):
    monkeypatch.setattr(loop, "Reading", raising(loop, "Reading", signal.SIGTERM))
    assert _code([*arguments(recipe, tmp_path), "--set", 'freeze={use="backbone"}']) == 143
    assert _code(["resume", str(run_dir_in(tmp_path))]) == 0


def test_an_ignored_signal_stays_ignored(tmp_path, recipe, monkeypatch):
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        monkeypatch.setattr(loop, "training_step", raising(loop, "training_step", signal.SIGHUP, 2))
        assert _code(arguments(recipe, tmp_path)) == 0
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_second_signal_leaves_at_once_and_the_last_checkpoint_is_whole(tmp_path, recipe, straight):
    words = arguments(recipe, tmp_path)

    def work():
        taken = loop.training_step

        def twice(session, progress, cursors):
            if progress.step == 5:
                os.kill(os.getpid(), signal.SIGINT)
                os.kill(os.getpid(), signal.SIGINT)
            return taken(session, progress, cursors)

        loop.training_step = twice
        return _code(words)

    assert ended(work) == 130
    run_dir = run_dir_in(tmp_path)
    assert newest(run_dir / "checkpoints")[0].name in ("step-00000002", "step-00000004")
    assert _code(["resume", str(run_dir)]) == 0
    assert list(proving.differences(straight, run_dir, 8)) == []


def test_a_stop_is_not_swallowed_by_what_is_ready_for_any_error(tmp_path, recipe, monkeypatch):
    """Plugins are called inside of `except Exception`; a stop is no Exception."""
    monkeypatch.setattr(evaluate, "length_chunks", raising(evaluate, "length_chunks", signal.SIGTERM, 2))
    assert _code(arguments(recipe, tmp_path)) == 143


def test_run_goes_on_by_itself_where_a_run_did_not_end(tmp_path, recipe, straight, monkeypatch):
    words = [*arguments(recipe, tmp_path), "--resume", "auto"]
    monkeypatch.setattr(loop, "training_step", raising(loop, "training_step", signal.SIGTERM, 3))
    assert _code(words) == 143  # there was none: a new one began
    monkeypatch.undo()
    assert _code(words) == 0
    assert list(proving.differences(straight, run_dir_in(tmp_path), 8)) == []
    assert _code(words) == 0  # it ended, so another one begins
    assert len(list((tmp_path / "runs" / "small").iterdir())) == 2
