"""What `mtlkit run --profile` tells: a table of where the time went, and a trace that Perfetto opens."""

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING

from mtlkit.cli.show import note, note_text, table
from mtlkit.whole_file import write_whole

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from mtlkit.engine.spans import Recorder

TRACE = "trace.json"
MEANINGS = {
    "start": "loading the model, making the optimizer",
    "data": "reading, tokenising and padding rows",
    "stem": "what is frozen, computed or read from the store",
    "tail": "the forward pass of the backbone above it",
    "heads": "scores and losses",
    "backward": "gradients",
    "optimizer": "clipping and the update",
    "evaluation": "held-out rows: all of it",
    "saving": "checkpoints, as far as the loop waits for them",
    "freezing": "freezing, thawing, and the digests of what is frozen",
    "step": "the rest of the steps",
    "rest": "everything else: trackers, the progress bar, the event log",
}


def profiling() -> "AbstractContextManager[Recorder]":
    """Record where the time goes inside the block."""
    from mtlkit.engine.spans import recording

    return recording(time.perf_counter)


def tell(recorder: "Recorder", run_dir: Path) -> None:
    """The table, and where the trace is, beside the results and not among them."""
    note_text(f"\n{profile_table(recorder)}")
    note(f"trace: {write_trace(recorder, run_dir)} (open it at https://ui.perfetto.dev)")


def profile_table(recorder: "Recorder") -> str:
    """Seconds and shares by what they went to; together they are the whole time."""
    whole = sum(recorder.sums.values())
    rows = [
        (name, f"{recorder.sums[name]:,.2f} s", f"{100 * recorder.sums[name] / (whole or 1):.1f} %", meaning)
        for name, meaning in MEANINGS.items()
        if name in recorder.sums
    ]
    rows.append(("all", f"{whole:,.2f} s", "100.0 %", "from the model to the last event"))
    return table(("where", "time", "share", "what"), rows)


def write_trace(recorder: "Recorder", run_dir: Path) -> Path:
    """The spans in the JSON format of Chrome's tracing, times in microseconds.

    Raises:
        OSError: when it can't be written.
    """
    events = [
        {
            "name": each.name,
            "cat": "mtlkit",
            "ph": "X",
            "ts": round(1e6 * each.start, 1),
            "dur": round(1e6 * (each.end - each.start), 1),
            "pid": 1,
            "tid": 1,
        }
        for each in recorder.spans
    ]
    file = run_dir / TRACE
    write_whole(file, json.dumps({"traceEvents": events, "displayTimeUnit": "ms"}))
    return file
