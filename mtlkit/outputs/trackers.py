"""The trackers of a run: the event log and TensorBoard always, and what the recipe adds."""

from pathlib import Path

from mtlkit.builtin.trackers.console import ConsoleTracker
from mtlkit.builtin.trackers.jsonl import JsonlTracker
from mtlkit.builtin.trackers.options import ConsoleOptions, JsonlOptions, TensorboardOptions
from mtlkit.contracts.card import load_address
from mtlkit.contracts.tracker import Tracker
from mtlkit.errors import PluginError
from mtlkit.plan.model import Plan


def open_trackers(plan: Plan, run_dir: Path, *, console: bool) -> dict[str, Tracker]:
    """Trackers by name; a recipe's own table for one replaces the default.

    Raises:
        PluginError: when a tracker of the recipe can't be built.
    """
    from mtlkit.builtin.trackers.tensorboard import TensorboardTracker

    chosen = {part.name: part for part in plan.trackers}
    trackers: dict[str, Tracker] = {}
    if "jsonl" not in chosen:
        trackers["jsonl"] = JsonlTracker(JsonlOptions(), run_dir)
    if "tensorboard" not in chosen:
        trackers["tensorboard"] = TensorboardTracker(TensorboardOptions(), run_dir)
    if console and "console" not in chosen:
        trackers["console"] = ConsoleTracker(ConsoleOptions(), run_dir)
    for name, part in chosen.items():
        try:
            trackers[name] = load_address(str(part.build))(part.options, run_dir)
        except Exception as error:  # a tracker is foreign code: its failure is reported as its own
            raise PluginError(
                f"tracker {name!r} of {part.distribution} failed to start: {type(error).__name__}: {error}",
                part.install,
            ) from error
    return trackers
