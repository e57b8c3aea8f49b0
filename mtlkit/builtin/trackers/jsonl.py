"""The event log: one JSON object per line, from which everything else can be made."""

import json
from pathlib import Path

import attrs

from mtlkit.builtin.trackers.options import JsonlOptions
from mtlkit.contracts.events import Activity, Event, Resumed

FILE = "events.jsonl"


class JsonlTracker:
    """Writes `events.jsonl`; each line has the event's name under `event` and its fields."""

    def __init__(self, _options: JsonlOptions, run_dir: Path) -> None:
        self._file = (run_dir / FILE).open("a", encoding="utf-8")

    def receive(self, event: Event) -> None:
        """Append one line; the many reports of progress inside an activity are left out."""
        if isinstance(event, Resumed) or (isinstance(event, Activity) and event.done < event.total):
            return  # a log that goes on is one log: what no longer counts was cut off before
        line = {"event": type(event).__name__, **attrs.asdict(event)}
        self._file.write(json.dumps(line, ensure_ascii=False) + "\n")
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()
