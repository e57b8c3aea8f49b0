"""Signals to commands that have nothing to save: the right code, one line, no half-written file."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from threading import Thread

import pytest
from children import ended
from engine_recipes import write_recipe

from mtlkit import proving
from mtlkit.api import run
from mtlkit.cli import rows_out, signals
from mtlkit.cli.main import _code
from mtlkit.engine import audit, evaluate, opened, stopping
from mtlkit.errors import StoppedError
from mtlkit.outputs.export import writing as exporting

ROWS = '{"text": "good fine"}\n{"text": "bad poor"}\n'
TOLD = "stopped by {}; no file is half written  run the same command again"


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    import mtlkit

    folder = tmp_path_factory.mktemp("finished")
    recipe = write_recipe(folder, length="2st", more="")
    return recipe, run(mtlkit.plan(mtlkit.load(recipe)), folder / "runs").run_dir


def before(monkeypatch, module, name, number):
    """Before the function is called, the signal comes."""
    call = getattr(module, name)

    def function(*words, **named):
        signal.raise_signal(number)
        return call(*words, **named)

    monkeypatch.setattr(module, name, function)


COMMANDS = {
    "evaluate": (evaluate, "_score"),
    "predict": (opened.Run, "predict_all"),
    "data": (audit, "audit"),
    "export": (exporting, "save_backbone"),
}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
@pytest.mark.parametrize("command", COMMANDS)
def test_the_first_signal_ends_it(tmp_path, finished, monkeypatch, capsys, command, number):
    recipe, run_dir = finished
    (tmp_path / "rows.jsonl").write_text(ROWS)
    words = {
        "evaluate": [str(run_dir)],
        "predict": [str(run_dir), "--in", str(tmp_path / "rows.jsonl"), "--out", str(tmp_path / "out.jsonl")],
        "data": [str(recipe)],
        "export": [str(run_dir), "--out", str(tmp_path / "model")],
    }[command]
    before(monkeypatch, *COMMANDS[command], number)
    handler = signal.getsignal(number)
    assert _code([command, *words]) == 128 + number
    assert signal.getsignal(number) == handler
    assert signal.set_wakeup_fd(-1) == -1
    *_, last = capsys.readouterr().err.strip().splitlines()
    assert last == TOLD.format(number.name)
    assert [path.name for path in tmp_path.iterdir()] == ["rows.jsonl"]


def test_predictions_that_were_there_stay(tmp_path, finished, monkeypatch):
    _, run_dir = finished
    (tmp_path / "rows.jsonl").write_text(ROWS)
    (tmp_path / "out.jsonl").write_text("before\n")
    before(monkeypatch, rows_out.RowWriter, "write", signal.SIGTERM)
    words = ["predict", str(run_dir), "--in", str(tmp_path / "rows.jsonl"), "--out"]
    assert _code([*words, str(tmp_path / "out.jsonl")]) == 143
    assert (tmp_path / "out.jsonl").read_text() == "before\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.jsonl", "rows.jsonl"]


def test_an_export_that_was_there_stays(tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "before").write_text("")

    def half():
        with signals.leaving(), exporting._aside(tmp_path / "model") as aside:
            (aside / "after").write_text("")
            signal.raise_signal(signal.SIGTERM)

    with pytest.raises(StoppedError):
        half()
    assert [path.name for path in tmp_path.glob("**/*")] == ["model", "before"]


def test_predictions_may_go_to_a_pipe(tmp_path, finished):
    """A file that took the name of a device would replace it."""
    _, run_dir = finished
    (tmp_path / "rows.jsonl").write_text(ROWS)
    os.mkfifo(tmp_path / "pipe")
    with subprocess.Popen(["cat", tmp_path / "pipe"], stdout=subprocess.PIPE) as reader:
        words = ["predict", str(run_dir), "--in", str(tmp_path / "rows.jsonl"), "--format", "jsonl", "--out"]
        assert _code([*words, str(tmp_path / "pipe")]) == 0
        assert reader.communicate()[0].count(b"\n") == 2
    assert (tmp_path / "pipe").is_fifo()


def as_another_error(call):
    """What a library may make of an exception in its callback."""
    try:
        call()
    except BaseException as error:
        raise ValueError("a callback failed") from error


def test_what_a_library_makes_of_a_signal_is_still_the_signal():
    def command():
        with signals.leaving():
            as_another_error(lambda: signal.raise_signal(signal.SIGTERM))

    with pytest.raises(StoppedError) as caught:
        command()
    assert caught.value.exit_code == 143


def test_work_in_which_a_plugin_swallowed_the_signal_does_not_count():
    stop = stopping.Stop()

    def evaluation():
        with stop.held(), stop.droppable(), suppress(BaseException):
            stop.ask(signal.SIGTERM)

    with pytest.raises(stopping.Interrupted):
        evaluation()


def test_an_error_after_the_signal_in_work_that_can_be_dropped_is_the_signal():
    stop = stopping.Stop()

    def evaluation():
        with stop.held(), stop.droppable():
            as_another_error(lambda: stop.ask(signal.SIGTERM))

    with pytest.raises(stopping.Interrupted):
        evaluation()


BLOCKS = {
    "swallows every exception": "while True:\n    try:\n        time.sleep(30)\n    except BaseException:\n        pass",
    "waits in C for ever": "import ctypes\nmutex = ctypes.create_string_buffer(64)\n"
    "for _ in range(2): ctypes.CDLL(None).pthread_mutex_lock(mutex)",
}


@pytest.mark.parametrize("how", BLOCKS)
def test_the_second_signal_leaves_whatever_the_first_was_lost_in(how):
    program = (
        "import signal, sys, time\nfrom mtlkit.cli.signals import leaving\n"
        f"with leaving():\n    print('here', flush=True)\n    exec({BLOCKS[how]!r})"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as child:
        child.stdout.readline()
        time.sleep(0.2)
        child.send_signal(signal.SIGINT)
        time.sleep(0.2)
        assert child.poll() is None
        child.send_signal(signal.SIGINT)
        assert child.wait(5) == 130
        assert child.stderr.read().endswith(signals.LEFT)


def test_a_forked_worker_is_not_the_command(capfd):
    """Its SIGTERM ends it, not its parent, and tells the user nothing; Ctrl-C is left to its parent."""

    def parent():
        with signals.leaving():
            codes = [
                ended(lambda: os.kill(os.getpid(), signal.SIGTERM) or time.sleep(5)),
                ended(lambda: os.kill(os.getpid(), signal.SIGTERM) or time.sleep(5)),
                ended(lambda: os.kill(os.getpid(), signal.SIGINT)),
            ]
            time.sleep(0.1)
        return 0 if codes == [-signal.SIGTERM, -signal.SIGTERM, 0] else 1

    assert ended(parent) == 0
    assert capfd.readouterr().err == ""


def test_the_whole_command_from_outside(tmp_path, finished):
    _, run_dir = finished
    (tmp_path / "rows.jsonl").write_text(ROWS * 50_000)
    words = [
        "predict",
        str(run_dir),
        "--in",
        str(tmp_path / "rows.jsonl"),
        "--out",
        str(tmp_path / "out.jsonl"),
    ]
    with subprocess.Popen([sys.executable, "-m", "mtlkit", *words], stderr=subprocess.PIPE) as child:
        aside = tmp_path / "out.jsonl.partial"
        until = time.monotonic() + 60
        while not aside.exists() and time.monotonic() < until and child.poll() is None:
            time.sleep(0.01)
        child.send_signal(signal.SIGTERM)
        assert child.wait(10) == 143
        told = child.stderr.read().decode()
    assert "Traceback" not in told
    assert told.strip().splitlines()[-1] == TOLD.format("SIGTERM")
    assert [path.name for path in Path(tmp_path).iterdir()] == ["rows.jsonl"]


def test_a_command_may_be_called_in_any_thread(tmp_path, finished, capsys):
    recipe, _ = finished
    codes = []
    thread = Thread(target=lambda: codes.append(_code(["validate", str(recipe)])))
    thread.start()
    thread.join()
    assert codes == [0]


def test_a_proof_that_is_stopped_leaves_no_runs_behind(tmp_path, finished, monkeypatch, capsys):
    recipe, _ = finished
    folders = []

    def half(subject, out, step, how):
        out.mkdir(parents=True)
        folders.append(subject.folder)
        signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(proving, "_run", half)
    assert _code(["prove", str(recipe), "--out", str(tmp_path)]) == 143
    assert capsys.readouterr().err.strip().splitlines()[-1] == TOLD.format("SIGTERM")
    assert (folders, list(tmp_path.iterdir())) == ([tmp_path / "proof-1"], [])


EARLY = """
import signal, sys
class First:
    def find_spec(self, name, path=None, target=None):
        if name == "mtlkit.cli.main":
            signal.raise_signal({number})
signal.signal({number}, signal.SIG_DFL)  # nohup and background jobs ignore some
sys.meta_path.insert(0, First())
from mtlkit.cli.begin import main
sys.argv = ["mtlkit", "--help"]
main()
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1])
def test_a_signal_before_the_command_line_is_imported(number):
    words = [sys.executable, "-c", EARLY.format(number=int(number))]
    done = subprocess.run(words, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (128 + number, "")
    assert done.stderr == f"stopped by {number.name}; nothing had begun  run the same command again\n"


def test_the_command_that_is_installed_begins_there():
    text = (Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8")
    assert '\n[project.scripts]\nmtlkit = "mtlkit.cli.begin:main"\n' in text
