"""The event log, read back: a run that goes on takes it up where its checkpoint was taken."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs

from mtlkit.contracts import events
from mtlkit.contracts.events import Event
from mtlkit.outputs.result import Collector

FILE = "events.jsonl"
UNCOUNTED = ("StepDone", "Activity", "Warned")
CLASSES = {
    name: cls for name, cls in vars(events).items() if isinstance(cls, type) and attrs.has(cls)
}  # fmt: skip


def has_ended(run_dir: Path) -> bool:
    """Whether the log tells of the end of the run."""
    return any(line.get("event") == "RunEnded" for _, line in _lines(run_dir / FILE))


def collected(run_dir: Path) -> Collector:
    """What the log of a run tells of it so far."""
    collector = Collector()
    for event in events_of(run_dir):
        collector.receive(event)
    return collector


def events_of(run_dir: Path) -> Iterator[Event]:
    """The events of a log, in order; what is not whole, or not of this version, is left out."""
    for _, line in _lines(run_dir / FILE):
        event = _event(line)
        if event is not None:
            yield event


def go_back(run_dir: Path, step: int, told: int) -> None:
    """Cut off what was told after the moment at which `step` steps were done and `told` events told.

    Steps, activities and warnings don't count as told: how many of those a log has is its own affair.
    """
    path = run_dir / FILE
    if not path.is_file():
        return
    kept, counted = [], 0
    for text, line in _lines(path):
        name = line.get("event")
        counted += name not in UNCOUNTED
        if counted > told or (name == "StepDone" and line.get("step", 0) > step):
            break
        kept.append(text)
    aside = path.with_name(f"{FILE}.partial")
    with aside.open("wb") as file:
        file.writelines(kept)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)


def _lines(path: Path) -> Iterator[tuple[bytes, dict[str, Any]]]:
    """The whole lines of a log with what they say; the first that is not whole ends it."""
    if not path.is_file():
        return
    with path.open("rb") as file:
        for text in file:
            try:
                line = json.loads(text)
            except ValueError:
                return
            if not text.endswith(b"\n") or not isinstance(line, dict):
                return
            yield text, line


def _event(line: dict[str, Any]) -> Event | None:
    cls: Any = CLASSES.get(str(line.get("event")))
    if cls is None:
        return None
    try:
        event: Event = cls(**{key: value for key, value in line.items() if key != "event"})
    except TypeError:
        return None
    return event
