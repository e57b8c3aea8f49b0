"""The first moments of the command `mtlkit`: a signal to it ends it in a line, and no traceback.

A module of its own, because importing the command line takes several times as long as starting Python.
"""

import os
import signal
from types import FrameType

SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGXCPU", "SIGUSR1", "SIGUSR2")
UNTOUCHED = (signal.SIG_DFL, signal.default_int_handler)


def main() -> None:
    """Guard the process while the command line is imported, then run it."""
    for name in SIGNALS:
        number = getattr(signal, name, None)  # Windows has not all of them
        if number is not None and signal.getsignal(number) in UNTOUCHED:
            signal.signal(number, _leave)
    from mtlkit.cli.main import main as command

    command()


def _leave(number: int, _frame: FrameType | None) -> None:
    told = f"stopped by {signal.Signals(number).name}; nothing had begun  run the same command again\n"
    try:
        os.write(2, told.encode())
    finally:
        os._exit(128 + number)
