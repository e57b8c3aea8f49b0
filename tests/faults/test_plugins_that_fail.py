"""Plugins that raise, leave, block, fork or draw, in every call: named, with the documented code, nothing lost."""

import os
import re
import signal
import subprocess
import sys
import threading
import time

import pytest
import torch
from broken import plugin_file
from children import ended
from engine_recipes import write_recipe

from mtlkit import proving
from mtlkit.cli import watch as watches
from mtlkit.cli.main import _code
from mtlkit.engine.checkpoint import newest
from mtlkit.engine.stopping import EXIT_OF_COPY, Stop

CALLS = [
    ("backbone", "prepare"), ("backbone", "collate"), ("backbone", "forward"), ("backbone", "place"),
    ("head", "targets"), ("head", "count"), ("head", "forward"), ("head", "loss"), ("head", "decode"), ("head", "metrics"),
    ("data", "rows"), ("data", "fingerprint"), ("data", "__len__"),
    ("regularizer", "penalty"), ("regularizer", "mix"),
    ("freeze", "trainable"), ("freeze", "phase"), ("freeze", "patterns"),
    ("lr", "group"), ("lr", "rate"), ("curve", "factor"), ("sampler", "mix"), ("balancer", "weights"),
    ("optimizer", "step"),
]  # fmt: skip
SETTINGS = ["training.checkpoint_every=1st", "training.length=4st", "training.evaluate_every=2st"]
LATE = "counted = globals().setdefault('counted', []); counted.append(1)\n        if len(counted) > {calls}: {what}"


def arguments(folder, kind, call, body):
    recipe = write_recipe(folder, more="", training="")
    (folder / "plugins").mkdir(exist_ok=True)
    path, settings = plugin_file(folder / "plugins", kind, call, body)
    words = [word for each in [*SETTINGS, *settings] for word in ("--set", each)]
    return ["run", str(recipe), "--out", str(folder / "runs"), "--plugin", str(path), *words]


def named(folder, kind, call):
    """How the message may name the plugin and the call."""
    task = (
        rf"the head of task 'sentiment' (failed|raised KeyboardInterrupt) in {call}"
        if kind == "head"
        else "x^"
    )
    short = rf"{kind} '[\w-]+' (failed|raised KeyboardInterrupt) in {call}"
    place = rf"{kind} 'broken-[\w-]+' of broken_\w+\.py in {call} \(broken_\w+\.py, line \d+\) failed"
    return rf"{task}|{short}|{place}"


RAISES = ("raise ValueError('wrong')", "sys.exit(3)", "raise KeyboardInterrupt")


@pytest.mark.parametrize(
    ("kind", "call", "what"), [(*each, RAISES[at % len(RAISES)]) for at, each in enumerate(CALLS)]
)
def test_whatever_it_raises_it_is_named(tmp_path, capsys, kind, call, what):
    assert _code(arguments(tmp_path, kind, call, what)) == 4
    *_, told = capsys.readouterr().err.strip().splitlines()
    assert re.search(named(tmp_path, kind, call), told), told
    assert re.search("ValueError: wrong|SystemExit: 3|KeyboardInterrupt", told)


@pytest.mark.parametrize("what", RAISES[:2])
def test_a_source_that_fails_when_the_recipe_is_checked_is_a_problem_of_the_recipe(tmp_path, capsys, what):
    assert _code(arguments(tmp_path, "data", "columns", what)) == 2
    assert re.search(r"data source 'broken-[\w-]+' of broken_\w+\.py failed: ", capsys.readouterr().err)


def test_a_tracker_that_fails_is_dropped(tmp_path, capsys):
    assert _code(arguments(tmp_path, "tracker", "receive", "sys.exit(3)")) == 0
    told = capsys.readouterr().err
    assert re.search(
        r"warning: tracker 'broken-tracker-receive-\d+' failed and was dropped: SystemExit: 3", told
    )


def run_dir_in(folder):
    (found,) = (path.parent for path in (folder / "runs").glob("*/*/recipe.toml"))
    return found


@pytest.mark.parametrize("what", ["sys.exit(3)", "raise KeyboardInterrupt", "os._exit(9)", "os.abort()"])
def test_one_that_leaves_in_training_loses_nothing(tmp_path, what):
    """No process can keep `os._exit` from ending it; what was saved is whole, and the run goes on from there."""
    words = arguments(
        tmp_path, "head", "targets", LATE.format(calls=2, what="os.environ.get('MEND') or " + leave(what))
    )
    expected = {"os._exit(9)": 9, "os.abort()": -signal.SIGABRT}.get(what, 4)
    assert ended(lambda: _code(words)) == expected
    run_dir = run_dir_in(tmp_path)
    whole, damaged = newest(run_dir / "checkpoints")
    assert damaged == []
    assert whole is not None


def leave(what):
    return what if not what.startswith("raise") else "(_ for _ in ()).throw(KeyboardInterrupt)"


def test_a_copy_that_a_plugin_forks_ends(tmp_path, capfd):
    """Without that, two processes would train into one directory."""
    body = LATE.format(calls=2, what="globals().update(copy=globals().get('copy') or [os.fork()])")
    words = arguments(tmp_path, "head", "targets", body)
    assert ended(lambda: _code(words)) == 0
    assert capfd.readouterr().err.count("a plugin forked this process and came back") == 1
    log = (run_dir_in(tmp_path) / "events.jsonl").read_text()
    assert [log.count(f'"StepDone", "step": {step},') for step in range(1, 5)] == [1, 1, 1, 1]
    assert EXIT_OF_COPY == 4


DRAWS = "random.random(); numpy.random.rand(); torch.rand(1)"


@pytest.mark.parametrize(("kind", "call"), [("head", "targets"), ("backbone", "forward"), ("sampler", "mix")])
def test_what_it_draws_of_the_global_generators_is_the_same_after_a_resume(tmp_path, kind, call):
    """They are seeded for every step; here a head that draws its noise there, and what else draws from them."""
    (tmp_path / "straight").mkdir()
    words = arguments(tmp_path / "straight", kind, call, DRAWS)
    assert _code(words) == 0
    straight = run_dir_in(tmp_path / "straight")
    plugin = ["--plugin", words[words.index("--plugin") + 1]]
    stopped = [*words, "--set", "name=stopped"]

    def work():
        from mtlkit.engine import loop

        taken = loop.training_step

        def leaving(session, progress, cursors):
            if progress.step == 2:
                os.kill(os.getpid(), signal.SIGTERM)
            return taken(session, progress, cursors)

        loop.training_step = leaving
        return _code(stopped)

    assert ended(work) == 143
    (run_dir,) = (path.parent for path in (tmp_path / "straight/runs/stopped").glob("*/recipe.toml"))
    assert _code(["resume", str(run_dir), *plugin]) == 0
    for name in ("weights.safetensors", "optimizer.safetensors"):
        ours, theirs = (each / "checkpoints" / "step-00000004" / name for each in (run_dir, straight))
        assert ours.read_bytes() == theirs.read_bytes()
    assert proving.COMPARED[:2] == ("weights.safetensors", "optimizer.safetensors")


@pytest.mark.parametrize(
    ("kind", "call"), [("head", "forward"), ("backbone", "collate"), ("data", "rows"), ("sampler", "mix")]
)
def test_one_that_blocks_is_named_and_a_second_signal_leaves(tmp_path, kind, call):
    blocks = "\n        while True:\n            try:\n                time.sleep(60)\n            except BaseException:\n                pass"
    words = arguments(tmp_path, kind, call, blocks)
    program = (
        "import sys; from mtlkit.cli import watch; watch.LOOK_SECONDS, watch.QUIET_SECONDS = 0.1, 0.3\n"
        f"from mtlkit.cli.main import main; main({words!r})"
    )
    with subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE, text=True) as child:
        told = ""
        until = time.monotonic() + 60
        while f"in {call} (" not in told and time.monotonic() < until:
            told += child.stderr.readline()
        child.send_signal(signal.SIGINT)
        time.sleep(0.3)
        assert child.poll() is None
        child.send_signal(signal.SIGINT)
        assert child.wait(5) == 130
        told += child.stderr.read()
    place = rf"{kind} 'broken-[\w-]+' of broken_\w+\.py in {call} \(broken_\w+\.py, line \d+\)"
    assert re.search(
        rf"nothing has happened for \d+ seconds; waiting for {place}; Ctrl-C twice leaves at once", told
    )
    assert "left at once" in told
    assert "Traceback" not in told


def test_the_watch_is_silent_while_something_happens(monkeypatch, capfd):
    monkeypatch.setattr(watches, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(watches, "QUIET_SECONDS", 0.2)
    stop = Stop()
    with watches.watching(stop):
        for _ in range(30):
            stop.beat()
            time.sleep(0.02)
    assert capfd.readouterr().err == ""
    assert not [each for each in threading.enumerate() if each.name == "mtlkit-watch"]


def test_the_watch_speaks_less_and_less(monkeypatch, capfd):
    monkeypatch.setattr(watches, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(watches, "QUIET_SECONDS", 0.05)
    with watches.watching(Stop()):
        time.sleep(0.5)
    lines = capfd.readouterr().err.strip().splitlines()
    assert 2 <= len([line for line in lines if line]) <= 5
    assert "waiting for watching" in lines[0] or "waiting for" in lines[0]


WRONG = ("None", "'x'", "3.5", "object()", "[]", "{}", "-1", "float('nan')")
MAY_BE = {  # what a call may return, odd as it is: it says nothing, or something that is as good as a number or true
    ("head", "metrics"): {"[]", "{}"},
    ("data", "fingerprint"): {"'x'"},
    ("regularizer", "penalty"): {"None"},
    ("regularizer", "mix"): {"None"},
    ("freeze", "trainable"): {"'x'", "3.5", "object()", "-1", "float('nan')"},
    ("freeze", "phase"): {"None", "'x'", "3.5", "object()", "-1", "float('nan')"},
    ("freeze", "patterns"): {"[]"},
    ("lr", "group"): {"'x'"},
    ("lr", "rate"): {"3.5"},
    ("curve", "factor"): {"3.5"},
    ("optimizer", "step"): set(WRONG),
}


def check_wrong_type(folder, capsys, kind, call, value):
    code = _code(arguments(folder, kind, call, f"return {value}"))
    told = capsys.readouterr().err.strip().splitlines()[-1]
    allowed = value in MAY_BE.get((kind, call), ())
    if (kind, call) == ("freeze", "trainable") and not allowed:
        assert (code, "nothing trains" in told) == (2, True)  # whatever counts as false
        return
    assert code == (0 if allowed else 4), told
    if code:
        assert re.search(rf"\b{call}\b|rate|mix|decode|loss|freezes|at least one|nothing", told), told


@pytest.mark.parametrize(
    ("kind", "call", "value"), [(*each, WRONG[at % len(WRONG)]) for at, each in enumerate(CALLS)]
)
def test_whatever_it_returns_it_is_named(tmp_path, capsys, kind, call, value):
    check_wrong_type(tmp_path, capsys, kind, call, value)


@pytest.mark.parametrize("call", ["prepare", "stem"])
def test_what_is_stored_of_a_plugin_file_is_not_found_after_it_was_edited(tmp_path, monkeypatch, call):
    """Tokens and activations outlive a run; those of other code under the same name, options and version do not count."""
    monkeypatch.setenv("MTLKIT_CACHE", str(tmp_path / "cache"))
    seen = tmp_path / "seen"
    body = f"open({str(seen)!r}, 'a').write('called ')"
    words = [*arguments(tmp_path, "backbone", call, body), "--set", "freeze=[{use='backbone'}]"]
    calls = []
    for edit in ("", "", "# edited"):
        path = tmp_path / "plugins" / words[words.index("--plugin") + 1]
        path.write_text(path.read_text() + edit)
        seen.write_text("")
        assert ended(lambda: _code(words)) == 0
        calls.append(seen.read_text().count("called"))
    first, again, edited = calls
    assert edited == first > again or (call == "prepare" and first == again == edited > 0)


SETS = {
    "torch.set_default_dtype(torch.float64)": "the default dtype, from torch.float32 to torch.float64",
    "torch.set_num_threads(2)": "the number of threads, from 1 to 2",
    "torch.set_grad_enabled(False)": "whether gradients are computed, from True to False",
    "torch.use_deterministic_algorithms(True)": "whether algorithms are deterministic, from False to True",
}


@pytest.mark.parametrize("what", SETS)
def test_one_that_changes_torch_for_the_whole_process_is_told(tmp_path, capfd, what):
    words = arguments(tmp_path, "head", "targets", LATE.format(calls=2, what=what))

    def work():
        torch.set_num_threads(1)
        return _code(words)

    assert ended(work) == 4
    *_, told = capfd.readouterr().err.strip().splitlines()
    assert told.startswith("a plugin changed torch's settings by the end of step ")
    assert SETS[what] in told
    assert newest(run_dir_in(tmp_path) / "checkpoints")[1] == []
