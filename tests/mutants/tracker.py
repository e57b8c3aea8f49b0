"""Trackers: one that is right, and broken ones."""

import json
import sqlite3
from pathlib import Path
from threading import Event, Thread
from typing import ClassVar

import attrs
from attrs import frozen

from mtlkit import Card, option


@frozen
class Options:
    """Where the log goes."""

    file: str = option("its name", "log.jsonl")


class Log:
    """The one that is right: a line for each event."""

    mode = "a"

    def __init__(self, options: Options, run_dir: Path) -> None:
        self.run_dir = run_dir
        self.file = (run_dir / "log.jsonl").open(self.mode, encoding="utf-8")

    def receive(self, event) -> None:
        self.file.write(json.dumps({"event": type(event).__name__, **attrs.asdict(event)}) + "\n")
        self.file.flush()

    def close(self) -> None:
        self.file.close()


class DataBase:
    """Right too: rows of a data base, which writes where it likes in its file."""

    def __init__(self, options: Options, run_dir: Path) -> None:
        self.base = sqlite3.connect(run_dir / "log.db")
        self.base.execute("create table if not exists events (event text)")

    def receive(self, event) -> None:
        self.base.execute("insert into events values (?)", (repr(event),))
        self.base.commit()

    def close(self) -> None:
        self.base.close()


class ExpectsSteps(Log):
    def receive(self, event) -> None:
        self.file.write(f'{{"step": {event.step}}}\n')
        self.file.flush()


class FormatsAsInteger(Log):
    def receive(self, event) -> None:
        super().receive(event)
        for value in getattr(event, "losses", {}).values():
            self.file.write(f'{{"permille": {int(value * 1000)}}}\n')
        self.file.flush()


class FilePerMetric(Log):
    def receive(self, event) -> None:
        for name, value in getattr(event, "metrics", {}).items():
            path = self.run_dir / "metrics" / name.replace("\n", " ")
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("a") as file:
                file.write(f"{value}\n")


class WorkingFolder(Log):
    def __init__(self, options: Options, run_dir: Path) -> None:
        self.run_dir = run_dir
        self.file = Path("log.jsonl").open(self.mode, encoding="utf-8")  # noqa: SIM115


class NeverCloses(Log):
    kept: ClassVar[list] = []

    def close(self) -> None:
        self.kept.append(self.file)


class ClosesOnlyAfterEvents(Log):
    count = 0

    def receive(self, event) -> None:
        super().receive(event)
        self.count += 1

    def close(self) -> None:
        self.file.write(f'{{"per event": {1 / self.count}}}\n')
        self.file.close()


class Truncates(Log):
    mode = "w"


class HalfLines(Log):
    def receive(self, event) -> None:
        self.file.write(json.dumps({"event": type(event).__name__}))
        self.file.flush()
        if type(event).__name__ != "RunStarted":
            self.file.write("\n")
            self.file.flush()


class TextForJson(Log):
    def receive(self, event) -> None:
        self.file.write(f"{attrs.asdict(event)}\n")
        self.file.flush()


class OneFileForAll(Log):
    shared: ClassVar[dict] = {}

    def __init__(self, options: Options, run_dir: Path) -> None:
        self.run_dir = run_dir
        if not self.shared or self.shared["file"].closed:
            self.shared["file"] = (run_dir / "log.jsonl").open("a", encoding="utf-8")
        self.file = self.shared["file"]

    def receive(self, event) -> None:
        if not self.file.closed:
            super().receive(event)


class NumbersFilesByCalls(Log):
    calls: ClassVar[list] = []

    def __init__(self, options: Options, run_dir: Path) -> None:
        self.calls.append(1)
        for number in range(len(self.calls) % 7):
            (run_dir / f"part-{number}").touch()
        super().__init__(options, run_dir)


def card(build: type) -> Card:
    return Card("tracker", build.__name__.lower(), "a log", Options, build)


class EmptiesEvents(Log):
    def receive(self, event) -> None:
        super().receive(event)
        getattr(event, "losses", {}).clear()


class ThreadLeftBehind(Log):
    def __init__(self, options: Options, run_dir: Path) -> None:
        super().__init__(options, run_dir)
        Thread(target=Event().wait, daemon=True).start()


MUTANTS = tuple(
    (card(build), law)
    for build, law in (
        (ExpectsSteps, "T1"),
        (ThreadLeftBehind, "T3"),
        (EmptiesEvents, "T7"),
        (FormatsAsInteger, "T1"),
        (FilePerMetric, "T2"),
        (WorkingFolder, "T2"),
        (NeverCloses, "T3"),
        (ClosesOnlyAfterEvents, "T3"),
        (Truncates, "T4"),
        (HalfLines, "T5"),
        (TextForJson, "T5"),
        (OneFileForAll, "T6"),
        (NumbersFilesByCalls, "G8"),
    )
)


class Silent:
    """Takes everything and writes nothing."""

    def __init__(self, options: Options, run_dir: Path) -> None:
        pass

    def receive(self, event) -> None:
        pass

    def close(self) -> None:
        pass


class OnlyTheEnd(Log):
    """Opens its file when the run ends."""

    def __init__(self, options: Options, run_dir: Path) -> None:
        self.run_dir = run_dir

    def receive(self, event) -> None:
        if type(event).__name__ == "RunEnded":
            with (self.run_dir / "ended.txt").open("a") as file:
                file.write(f"{event.step}\n")

    def close(self) -> None:
        pass


UNUSUAL = (card(Log), card(Silent), card(OnlyTheEnd), card(DataBase))
