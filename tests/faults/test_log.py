"""The event log: no room for it, a line cut or damaged, a power cut; what is missing is told."""

import errno
import json
import os
from pathlib import Path

import pytest
from engine_recipes import run_recipe, write_recipe
from twins import Killed, until

import mtlkit
from mtlkit.api import preview, resume
from mtlkit.builtin.trackers.jsonl import JsonlTracker
from mtlkit.contracts.events import PhaseStarted, RunEnded, RunStarted, StepDone, Warned
from mtlkit.course import begin
from mtlkit.engine import writing
from mtlkit.outputs.event_log import FILE, go_back
from mtlkit.outputs.fan_out import fan_out

SAVING = ["training.checkpoint_every=2st", "training.evaluate_every=2st", "training.length=6st"]
PHASES = [PhaseStarted(at, f"p{at}", at + 1, 1, 0) for at in range(4)]
NO_ROOM = OSError(errno.ENOSPC, "No space left on device")


class Full:
    """A file on a disk that takes so many bytes of each write while there is no room."""

    def __init__(self, file, taken):
        self.file, self.taken, self.room = file, taken, True

    def write(self, content):
        if self.room:
            return self.file.write(content)
        if self.taken and len(content) > self.taken:
            return self.file.write(content[: self.taken])
        raise NO_ROOM

    def __getattr__(self, name):
        return getattr(self.file, name)


@pytest.mark.parametrize("taken", [0, 5, 40])
def test_no_room_for_some_events_is_a_gap_that_is_told(tmp_path, taken):
    tracker = JsonlTracker(None, tmp_path)
    room = tracker._file._file = Full(tracker._file._file, taken)

    def events():
        yield RunStarted("a", 2, ("t",))
        room.room = False
        yield PHASES[0]
        yield StepDone(1, 0.1, {}, {}, 0.0, {})
        yield PHASES[1]
        room.room = True
        yield PHASES[2]
        yield RunEnded(2)

    told = list(fan_out(events(), {"jsonl": tracker}))
    lines = [json.loads(line) for line in (tmp_path / FILE).read_bytes().splitlines()]
    warned = [event for event in told if isinstance(event, Warned)]
    text = f"tracker 'jsonl' can't write, and misses events until it can: {NO_ROOM}"
    assert [event.message for event in warned] == [text]
    assert [line["event"] for line in lines] == ["RunStarted", "Lost", "PhaseStarted", "RunEnded"]
    assert lines[1] == {"event": "Lost", "events": 2}


def log_of(folder, *names):
    lines = [{"event": name, "events": 2} if name == "Lost" else {"event": name} for name in names]
    (folder / FILE).write_text("".join(json.dumps(line) + "\n" for line in lines))


def names_in(folder):
    return [json.loads(line)["event"] for line in (folder / FILE).read_bytes().splitlines()]


@pytest.mark.parametrize(
    ("told", "left", "missing"),
    [
        (1, ["RunStarted"], 0),
        (2, ["RunStarted", "Lost"], 1),  # in the gap: the checkpoint knows one event that the log has not
        (3, ["RunStarted", "Lost"], 0),
        (4, ["RunStarted", "Lost", "Evaluated"], 0),
        (7, ["RunStarted", "Lost", "Evaluated", "Lost"], 3),
    ],
)
def test_a_gap_counts_for_what_is_missing_in_it(tmp_path, told, left, missing):
    log_of(tmp_path, "RunStarted", "Lost", "Evaluated")
    found = go_back(tmp_path, 9, told)
    assert names_in(tmp_path) == left
    assert len(found) == bool(missing)
    if missing:
        assert f"{missing} events that the checkpoint knows of are missing" in found[0]
        assert json.loads((tmp_path / FILE).read_bytes().splitlines()[-1])["events"] == missing
        assert go_back(tmp_path, 9, told) == ()


def stopped_after(folder, step, overrides=()):
    plan = mtlkit.plan(mtlkit.load(write_recipe(folder, more=""), [*SAVING, *overrides]))
    with pytest.raises(Killed):
        begin(preview(plan), folder / "runs", until(step))
    (run_dir,) = (path.parent for path in folder.glob("runs/*/*/recipe.toml"))
    return run_dir


@pytest.fixture(scope="module")
def straight(tmp_path_factory):
    folder = tmp_path_factory.mktemp("straight")
    return run_recipe(write_recipe(folder, more=""), SAVING)[0].run_dir / FILE


@pytest.mark.parametrize("tail", [b'{"event": "Step', b"\0" * 512, b"\xff\xfe\n", b'["no event"]\n', b"7\n"])
def test_what_a_crash_left_at_the_end_is_cut_off(tmp_path, straight, tail):
    run_dir = stopped_after(tmp_path, 5)
    with (run_dir / FILE).open("ab") as log:
        log.write(tail)
    result = resume(run_dir)
    assert result.warnings == ()
    assert (run_dir / FILE).read_bytes() == straight.read_bytes()


@pytest.mark.parametrize("damage", ["deleted", "emptied", "a line", "not UTF-8", "a folder"])
def test_a_log_that_lacks_what_the_checkpoint_knows(tmp_path, damage):
    """The run goes on; what is missing is told, and what there was is kept."""
    run_dir = stopped_after(tmp_path, 5)
    log = run_dir / FILE
    content = log.read_bytes()
    lines = content.splitlines(keepends=True)
    log.unlink()
    if damage == "emptied":
        log.write_bytes(b"")
    elif damage in ("a line", "not UTF-8"):
        log.write_bytes(
            lines[0] + {"a line": b'{"event"', "not UTF-8": b"\xff\n"}[damage] + b"".join(lines[2:])
        )
    elif damage == "a folder":
        log.mkdir()
        with pytest.raises(mtlkit.ResourceError, match=r"events.jsonl can't be written"):
            resume(run_dir)
        return
    result = resume(run_dir)
    (warning,) = result.warnings
    line = 2 if damage in ("a line", "not UTF-8") else 1
    assert warning.startswith(f"{FILE} is damaged at line {line}: ")
    assert warning.endswith(" events that the checkpoint knows of are missing")
    kept = sorted(path.name for path in run_dir.glob(f"{FILE}.*"))
    assert kept == ([] if damage == "deleted" else [f"{FILE}.damaged1"])
    names = names_in(run_dir)
    assert (names[line - 1], names[-1]) == ("Lost", "RunEnded")
    assert resume(run_dir).steps == 6  # and it is a log that can be read


def test_what_was_told_is_on_the_disk_before_the_checkpoint_has_its_name(tmp_path, monkeypatch):
    """So that a checkpoint never knows more than the log, whenever the power fails."""
    order = []
    call = os.fsync

    def fsync(handle):
        order.append(Path(f"/proc/self/fd/{handle}").readlink().name)
        call(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(writing, "_reached", order.append)
    plan = mtlkit.plan(mtlkit.load(write_recipe(tmp_path, more=""), SAVING))
    run_dir = mtlkit.run(plan, tmp_path / "runs").run_dir
    saves = [order[at : order.index("renamed", at)] for at, each in enumerate(order) if each == "filled"]
    assert len(saves) == 3
    for save in saves:
        assert save == ["filled", FILE, run_dir.name]
