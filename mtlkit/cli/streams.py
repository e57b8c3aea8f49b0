"""Standard streams that are there: a program may be started with some of them closed."""

import os
import sys


def open_streams() -> None:
    """Put the null device where a standard stream is closed.

    Otherwise the next file that is opened, a log perhaps, takes its number, and gets what is written to it.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free, which is this one
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123  open as long as the process
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123


def leave_streams() -> None:
    """Write out what is left; where nobody reads any more it goes nowhere, and Python has nothing to add."""
    for number, stream in ((1, sys.stdout), (2, sys.stderr)):
        try:
            stream.flush()
        except (OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), number)
