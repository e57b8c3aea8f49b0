"""The event log, read back: a run that goes on takes it up where its checkpoint was taken."""

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import attrs

from mtlkit.contracts import events
from mtlkit.contracts.events import Event
from mtlkit.errors import ResourceError
from mtlkit.outputs.event_shapes import fits
from mtlkit.outputs.result import Collector
from mtlkit.whole_file import sync, write_whole

FILE = "events.jsonl"
LOST = "Lost"
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


def saved_last(run_dir: Path) -> int | None:
    """The step of the newest checkpoint that the log tells of, None where it tells of none."""
    saved = [line.get("step") for _, line in _lines(run_dir / FILE) if line.get("event") == "Checkpointed"]
    return max((step for step in saved if isinstance(step, int)), default=None)


def go_back(run_dir: Path, step: int, told: int) -> tuple[str, ...]:
    """Cut off what was told after the moment at which `step` steps were done and `told` events told.

    Steps, activities and warnings don't count as told: how many of those a log has is its own affair. Returns
    what is to be known of a log that has fewer events than that; it stays as `events.jsonl.damagedN`.

    Raises:
        ResourceError: when the log can't be written.
    """
    path = run_dir / FILE
    kept, counted, whole = [], 0, 0
    for text, line in _lines(path):
        name = line.get("event")
        more = _number(line, "events") if name == LOST else name not in UNCOUNTED
        whole += 1
        if counted + more > told or (name == "StepDone" and _number(line, "step") > step):
            break
        counted += more
        kept.append(text)
    missing = told - counted
    try:
        if missing:
            kept.append(json.dumps({"event": LOST, "events": missing}).encode() + b"\n")
            _set_aside(path)
        write_whole(path, b"".join(kept))
    except OSError as error:
        raise ResourceError(f"{path} can't be written: {error.strerror or error}") from error
    if not missing:
        return ()
    return (
        f"{FILE} is damaged at line {whole + 1}: {missing} events that the checkpoint knows of are missing",
    )


def synced(run_dir: Path) -> None:
    """Have the disk keep what was told so far: a checkpoint may not outlive the events before it.

    A log that can't be synced holds up no checkpoint.
    """
    with suppress(OSError):
        handle = os.open(run_dir / FILE, os.O_WRONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
        sync(run_dir)


def _number(line: Mapping[str, Any], key: str) -> int:
    value = line.get(key)
    return value if isinstance(value, int) and value > 0 else 0


def _set_aside(path: Path) -> None:
    number = 1
    while (target := path.with_name(f"{path.name}.damaged{number}")).exists():
        number += 1
    if path.is_file():
        shutil.copyfile(path, target)


def _lines(path: Path) -> Iterator[tuple[bytes, dict[str, Any]]]:
    """The whole lines of a log with what they say; the first that is not whole ends it."""
    if not path.is_file():
        return
    with path.open("rb") as file:
        for text in file:
            try:
                line = json.loads(text)
            except (ValueError, RecursionError):
                return
            if not text.endswith(b"\n") or not isinstance(line, dict):
                return
            yield text, line


def _event(line: dict[str, Any]) -> Event | None:
    cls: Any = CLASSES.get(str(line.get("event")))
    values = {key: value for key, value in line.items() if key != "event"}
    if cls is None or not fits(cls, values):
        return None
    try:
        event: Event = cls(**values)
    except TypeError:  # a field is missing
        return None
    return event
