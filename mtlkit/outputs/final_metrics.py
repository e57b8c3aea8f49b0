"""What a run ended with, read from its event log."""

import json
from pathlib import Path

LOG = "events.jsonl"


def final_metrics(folder: Path) -> dict[str, float]:
    """TASK/METRIC → value of the final evaluation; empty where the log is not there or has none."""
    found: dict[str, float] = {}
    path = folder / LOG
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else ():
        try:
            event = json.loads(line)
        except ValueError:
            continue  # cut off in the middle of a line
        if event.get("event") == "Evaluated" and event.get("purpose") == "final":
            found = {str(name): float(value) for name, value in event["metrics"].items()}
    return found
