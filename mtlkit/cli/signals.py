"""Signals: the first asks a run to stop where nothing is lost, the second ends it at once."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

from mtlkit.errors import StoppedError

if TYPE_CHECKING:
    from mtlkit.engine.stopping import Stop

SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGXCPU")
ASKED = b"\nstopping after this step and saving; once more to leave at once\n"
LEFT = b"\nleft at once; checkpoints that were written are whole\n"


@contextmanager
def stopping() -> "Iterator[Stop]":
    """What a run inside the block looks at, set by signals; those that were ignored stay ignored.

    Raises:
        StoppedError: for a signal before the run began.
    """
    from mtlkit.engine.stopping import Interrupted, Stop

    stop = Stop()

    def handle(number: int, _frame: FrameType | None) -> None:
        if stop.asked:
            _tell(LEFT)
            os._exit(128 + number)
        _tell(ASKED)
        stop.ask(number)

    numbers = [getattr(signal, name) for name in SIGNALS if hasattr(signal, name)]
    before = {number: signal.getsignal(number) for number in numbers}
    caught = [number for number in numbers if before[number] != signal.SIG_IGN]
    for number in caught:
        signal.signal(number, handle)
    try:
        yield stop
    except Interrupted as error:
        raise StoppedError("stopped before the first step", "", stop.asked) from error
    finally:
        for number in caught:
            signal.signal(number, before[number])


def _tell(text: bytes) -> None:
    """Write past Python's buffers, which the signal may have interrupted."""
    try:
        os.write(2, text)
    except OSError:  # nobody listens
        return
