"""The trackers of a run, built from the parts of its plan."""

from pathlib import Path

from mtlkit.contracts.card import load_address
from mtlkit.contracts.tracker import Tracker
from mtlkit.errors import PluginError
from mtlkit.plan.model import Plan
from mtlkit.refusals import refused

CONSOLE = "console"


def open_trackers(plan: Plan, run_dir: Path, *, console: bool) -> dict[str, Tracker]:
    """Trackers by name; the console speaks only where `console` asks for it.

    Raises:
        PluginError: when a tracker can't be built.
        ResourceError: when it has no room, or may not write.
    """
    trackers: dict[str, Tracker] = {}
    for part in plan.trackers:
        if part.name == CONSOLE and not console:
            continue
        try:
            trackers[part.name] = load_address(str(part.build))(part.options, run_dir)
        except (Exception, SystemExit) as error:  # a tracker is foreign: its failure is its own
            for opened in trackers.values():
                opened.close()
            if told := refused(error):
                raise told from error
            raise PluginError(
                f"tracker {part.name!r} of {part.distribution} failed to start: "
                f"{type(error).__name__}: {error}",
                part.install,
            ) from error
    return trackers
