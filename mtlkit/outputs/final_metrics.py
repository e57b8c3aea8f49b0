"""What a run ended with, read from its event log."""

from pathlib import Path

from mtlkit.contracts.events import Evaluated
from mtlkit.outputs.event_log import events_of


def final_metrics(folder: Path) -> dict[str, float]:
    """TASK/METRIC → value of the final evaluation; empty where the log is not there or has none."""
    found: dict[str, float] = {}
    for event in events_of(folder):
        if isinstance(event, Evaluated) and event.purpose == "final":
            found = dict(event.metrics)
    return found
