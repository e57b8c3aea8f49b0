"""Tracker: a consumer of events. A tracker that fails is reported and dropped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from mtlkit.contracts.events import Event


class Tracker(Protocol):
    """Built as `build(options, run_dir)` with the run directory as a `pathlib.Path`."""

    def receive(self, event: Event) -> None:
        """Take one event; may not change anything outside the tracker."""
        ...

    def close(self) -> None:
        """Flush and release; called once, also after an error."""
        ...
