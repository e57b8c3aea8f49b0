"""A watch over a run that does not get on: it says where it is waiting, and never ends anything itself."""

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from attrs import define, field

from mtlkit.contracts.shown import one_line

if TYPE_CHECKING:
    from mtlkit.engine.stopping import Stop
    from mtlkit.plan.model import Part

LOOK_SECONDS = 5.0
QUIET_SECONDS = 300.0


@define
class Watch:
    """Counts how long nothing has happened, by its own pauses and no clock, which may jump.

    `parts` are the plugins of the run, as soon as they are known.
    """

    stop: "Stop"
    thread: int
    parts: "Sequence[Part]" = ()
    _ended: threading.Event = field(factory=threading.Event)

    def look(self) -> None:
        """Speak after so many seconds without an event, and again each time it has lasted twice as long."""
        from mtlkit.culprit import at_work

        beats, quiet, due = self.stop.beats, 0.0, QUIET_SECONDS
        while not self._ended.wait(LOOK_SECONDS):
            if self.stop.beats != beats:
                beats, quiet, due = self.stop.beats, 0.0, QUIET_SECONDS
                continue
            quiet += LOOK_SECONDS
            if quiet >= due:
                due *= 2
                lasting = f"{quiet / 60:.0f} minutes" if quiet >= 120 else f"{quiet:.0f} seconds"
                _tell(f"nothing has happened for {lasting}; waiting for {at_work(self.thread, self.parts)}")

    def end(self) -> None:
        """Look no more."""
        self._ended.set()


@contextmanager
def watching(stop: "Stop") -> Iterator[Watch]:
    """A watch over what the calling thread does inside of the block."""
    watch = Watch(stop, threading.get_ident())
    looker = threading.Thread(target=watch.look, name="mtlkit-watch", daemon=True)
    looker.start()
    try:
        yield watch
    finally:
        watch.end()
        looker.join()


def _tell(text: str) -> None:
    """Write past Python's buffers, whose lock the waiting thread may hold."""
    try:
        os.write(2, f"\n{one_line(text)}; Ctrl-C twice leaves at once\n".encode())
    except OSError:  # nobody listens
        return
