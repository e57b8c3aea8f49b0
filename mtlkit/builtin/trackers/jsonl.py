"""The event log: one JSON object per line, from which everything else can be made."""

import json
from pathlib import Path

import attrs

from mtlkit.builtin.trackers.appending import Appended
from mtlkit.builtin.trackers.options import JsonlOptions
from mtlkit.contracts.events import Activity, Event, Lost, Resumed, StepDone, Stopped, Warned

FILE = "events.jsonl"
UNCOUNTED = (StepDone, Activity, Warned, Stopped)


class JsonlTracker:
    """Writes `events.jsonl`; each line has the event's name under `event` and its fields.

    A line that can't be written leaves no part of it behind; the next that can is preceded by one that
    says how many are missing.
    """

    def __init__(self, _options: JsonlOptions, run_dir: Path) -> None:
        self._file = Appended(run_dir / FILE)
        self._lost: int | None = None

    def receive(self, event: Event) -> None:
        """Append one line; the many reports of progress inside an activity are left out.

        Raises:
            OSError: when it can't be written; the tracker goes on.
        """
        if isinstance(event, Resumed) or (isinstance(event, Activity) and event.done < event.total):
            return  # a log that goes on is one log: what no longer counts was cut off before
        try:
            if self._lost is not None:
                self._append(Lost(self._lost))
                self._lost = None
            self._append(event)
        except OSError:
            self._lost = (self._lost or 0) + (not isinstance(event, UNCOUNTED))
            raise

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _append(self, event: Event) -> None:
        line = {"event": type(event).__name__, **attrs.asdict(event, recurse=False)}
        self._file.write(json.dumps(line, ensure_ascii=False, default=attrs.asdict).encode() + b"\n")
