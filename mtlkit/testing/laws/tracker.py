"""Laws of trackers: consumers of events that write below the run directory and nowhere else."""

import json
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any

from hypothesis import strategies as st

from mtlkit.contracts.events import (
    Activity,
    Checkpointed,
    Evaluated,
    Event,
    FrozenChecked,
    Measured,
    PhaseStarted,
    Resumed,
    RunEnded,
    RunStarted,
    Selected,
    Skipped,
    StepDone,
    Stopped,
    StoppedEarly,
    Warned,
)
from mtlkit.contracts.tracker import Tracker
from mtlkit.testing.asking import Questions
from mtlkit.testing.law import Values, law, require
from mtlkit.testing.subject import Subject

Table = Mapping[str, Any]
NAMES = ("sentiment", "a/b", "../../../up", "news\n1", "ünï ☃", "x" * 200, "\x1b[31mred", "<script>", "")
FEW, MANY, RARELY, MOMENT = 22, 200, 9, 2.0
NUMBERS = (0.0, 1.5, -3.25, 1e-300, 1e300, float("nan"), float("inf"), float("-inf"))


def build(subject: Subject, table: Table) -> "Maker":
    """What builds trackers with that options table."""
    return Maker(subject, table)


class Maker:
    """Builds one tracker after another: a tracker is made for writing, so that none is asked twice."""

    def __init__(self, subject: Subject, table: Table) -> None:
        self.subject, self.table = subject, table

    def files_after(self, events: Sequence[Event]) -> int:
        """How many files a new tracker leaves after these events."""
        with TemporaryDirectory() as folder:
            tracker = _open(self.subject, self.table, Path(folder))
            for event in events:
                tracker.receive(event)
            tracker.close()
            return len(_files(Path(folder)))


def questions(maker: Maker, subject: Subject) -> Questions:
    """How many files there are after no event, and after a whole run."""
    return {
        "files after nothing": lambda: maker.files_after(()),
        "files after a run": lambda: maker.files_after(run_of_events(0)),
    }


def run_of_events(seed: int, count: int = 20) -> list[Event]:
    """Every kind of event, ordinary and odd ones, starting and ending as a run does."""
    rng = Random(seed)  # noqa: S311  reproducible on purpose
    return [
        RunStarted("run", count, ("sentiment", "news")),
        PhaseStarted(0, "phase 1", count, 3, 5),
        *(_drawn(rng, step) for step in range(count)),
        RunEnded(count),
    ]


def _drawn(rng: Random, step: int) -> Event:
    name, number = rng.choice(NAMES), rng.choice(NUMBERS)
    metrics = {f"{name}/accuracy": number, "news/f1": 0.5}
    made: tuple[Event, ...] = (
        StepDone(step + 1, step / 7, {name: number, "news": 0.5}, {name: number}, number, {name: 3}),
        Evaluated(step, "test", "final", metrics, metrics, metrics, {f"{name}/accuracy": 12}),
        Evaluated(step, "validation", "progress", metrics),
        FrozenChecked(step, name, "ab" * 32, 7),
        Checkpointed(step, f"checkpoints/step-{step:08d}"),
        Warned(name),
        Measured(step, "gradient-norm", {f"@gradient-norm/{name}": number}),
        Activity(name, step, 20),
        PhaseStarted(step, name, step + 5, 1, 9),
        Selected(step, name, f"{name}/accuracy", number, f"checkpoints/step-{step:08d}"),
        StoppedEarly(step, 20, name),
        Resumed(step, 20, f"checkpoints/step-{step:08d}", (name,)),
        Stopped(step, ""),
        Skipped(step, name),
    )
    return rng.choice(made)


def cases(subject: Subject) -> st.SearchStrategy[Values]:
    """An options table and a seed of events."""
    return st.fixed_dictionaries({"options": subject.tables(), "seed": st.integers(0, 10**6)})


def first_cases(subject: Subject) -> list[Values]:
    """A few runs of events with the first options table."""
    return [{"options": subject.first_table, "seed": seed} for seed in range(3)]


@law(
    "T1",
    why="a tracker that fails is dropped, and its log ends there",
    mistake="taking for granted that names are file names, numbers finite, or that every event has a step",
    given=cases,
    corners=first_cases,
)
def every_event_is_taken(subject: Subject, options: Table, seed: int) -> None:
    """It takes every kind of event in any order, with odd names and numbers that are not finite."""
    with _folder() as folder:
        tracker = _open(subject, options, folder)
        for event in run_of_events(seed):
            try:
                tracker.receive(event)
            except Exception as error:
                tracker.close()
                message = f"it raised {type(error).__name__} ({error}) at {event}"
                raise AssertionError(message) from error
        tracker.close()


@law(
    "T2",
    why="a run writes to its own directory only; two runs side by side must not meet",
    mistake="a fixed path, the working folder, or a file named after a metric that holds '../'",
    given=cases,
    corners=first_cases,
)
def only_the_run_directory_is_written(subject: Subject, options: Table, seed: int) -> None:
    """Nothing outside the run directory is created or changed."""
    with _folder() as outer:
        run_dir, elsewhere = outer / "runs" / "one", outer / "elsewhere"
        run_dir.mkdir(parents=True)
        elsewhere.mkdir()
        (run_dir.parent / "two").mkdir()
        back = Path.cwd()
        os.chdir(elsewhere)
        try:
            _whole(_open(subject, options, run_dir), seed)
        finally:
            os.chdir(back)
        outside = [path for path in _files(outer) if run_dir not in path.parents]
        require(not outside, f"it wrote {', '.join(str(path.relative_to(outer)) for path in outside)}")


@law(
    "T3",
    why="a run ends by an error as often as by its last step; the log must be there in both cases",
    mistake="a buffer that is only written when the run ends well, or close() that fails without events",
    given=cases,
    corners=first_cases,
)
def close_releases_everything(subject: Subject, options: Table, seed: int) -> None:
    """Closed at any time, right after it was made too, it leaves no open file and no thread behind."""
    for events in ([], run_of_events(seed)[:3], run_of_events(seed)):
        with _folder() as folder:
            before, threads = _open_files(folder), set(threading.enumerate())
            tracker = _open(subject, options, folder)
            for event in events:
                tracker.receive(event)
            tracker.close()
            left = _open_files(folder) - before
            require(not left, f"after close it still holds {', '.join(sorted(left))}")
            alive = _alive(threads)
            require(not alive, f"after close its threads still run: {', '.join(alive)}")


@law(
    "T4",
    why="a resumed run goes on in the directory of the run that was interrupted",
    mistake="opening with mode w, or deleting what is there",
    given=cases,
    corners=first_cases,
)
def what_is_on_disk_stays(subject: Subject, options: Table, seed: int) -> None:
    """A second tracker on the same run directory keeps everything that the first one wrote."""
    with _folder() as folder:
        (folder / "recipe.toml").write_text("seed = 1\n")
        _whole(_open(subject, options, folder), seed)
        before = {path: path.read_bytes() for path in _files(folder)}
        _whole(_open(subject, options, folder), seed + 1)
        for path, content in before.items():
            name = path.relative_to(folder)
            require(path.is_file(), f"{name} is gone")
            after = path.read_bytes()
            if _is_text(content):
                require(after.startswith(content), f"{name} no longer begins with what was in it")
            else:  # a data base writes where it likes
                require(len(after) >= len(content), f"{name} is shorter than it was")


@law(
    "T5",
    why="the report is made from the log; a line lost or half written can't be made again",
    mistake="a write that is not flushed, or a line that is no JSON because of NaN or quotes",
    given=cases,
    corners=first_cases,
)
def files_can_be_read_while_it_runs(subject: Subject, options: Table, seed: int) -> None:
    """What it writes as text is valid UTF-8 at any time, and a .jsonl file holds whole JSON lines."""
    with _folder() as folder:
        tracker = _open(subject, options, folder)
        for number, event in enumerate([*run_of_events(seed), *run_of_events(seed + 1, MANY)]):
            tracker.receive(event)
            if number < FEW or number % RARELY == 0:
                _check_text(folder)
        tracker.close()
        _check_text(folder)


@law(
    "T7",
    why="all trackers of a run are handed the same events, one after the other",
    mistake="pop() on the losses of an event, or NaN written over in its metrics",
    given=cases,
    corners=first_cases,
    share=0.5,
)
def events_are_left_alone(subject: Subject, options: Table, seed: int) -> None:
    """It changes no event that it receives."""
    with _folder() as folder:
        tracker = _open(subject, options, folder)
        for event in run_of_events(seed):
            before = repr(event)
            tracker.receive(event)
            require(repr(event) == before, f"it made {event} of {before}")
        tracker.close()


@law(
    "T6",
    why="two runs may be followed by one process, as in a sweep",
    mistake="a file handle or a writer on the class or the module",
    given=cases,
    corners=first_cases,
)
def trackers_do_not_meet(subject: Subject, options: Table, seed: int) -> None:
    """Two trackers fed in turns leave as many files, of the same size, as one after the other."""
    with _folder() as outer:
        folders = [outer / name for name in ("a", "b", "c", "d")]
        for folder in folders:
            folder.mkdir()
        for folder in folders[:2]:
            _whole(_open(subject, options, folder), seed)
        pair = [_open(subject, options, folder) for folder in folders[2:]]
        for event in run_of_events(seed):
            for tracker in pair:
                tracker.receive(event)
        for tracker in pair:
            tracker.close()
        alone, together = _sizes(folders[0]), _sizes(folders[2])
        require(_sizes(folders[3]) == together, "of two trackers fed the same events, one wrote more")
        require(alone == together, f"alone it writes {alone} bytes, beside another {together}")


def _open(subject: Subject, table: Table, folder: Path) -> Tracker:
    made: Tracker = subject.make(table, folder)
    return made


def _whole(tracker: Tracker, seed: int) -> None:
    for event in run_of_events(seed):
        tracker.receive(event)
    tracker.close()


@contextmanager
def _folder() -> Iterator[Path]:
    with TemporaryDirectory() as folder:
        yield Path(folder).resolve()


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _sizes(folder: Path) -> list[int]:
    return sorted(path.stat().st_size for path in _files(folder))


def _alive(before: set[threading.Thread]) -> list[str]:
    """Threads that were not there before and do not end within a moment."""
    found = set(threading.enumerate()) - before
    end = monotonic() + MOMENT
    for thread in found:
        thread.join(max(0.0, end - monotonic()))
    return sorted(thread.name for thread in found if thread.is_alive())


def _open_files(folder: Path) -> set[str]:
    """Open files below a folder, where the system tells."""
    listed = Path("/proc/self/fd")
    if not listed.is_dir():
        return set()
    found = set()
    for each in listed.iterdir():
        try:
            found.add(str(each.readlink()))
        except OSError:
            continue
    return {name for name in found if name.startswith(str(folder))}


def _is_text(content: bytes) -> bool:
    try:
        return "\0" not in content.decode()
    except UnicodeDecodeError:
        return False


def _check_text(folder: Path) -> None:
    for path in _files(folder):
        if path.suffix not in (".jsonl", ".json", ".txt", ".csv", ".md", ".log", ".html"):
            continue
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".jsonl" and text:
            require(text.endswith("\n"), f"{path.name} ends in the middle of a line")
            for line in text.splitlines():
                json.loads(line)
