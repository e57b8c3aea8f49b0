"""Standard streams: there, though a program may be started with some closed, and used by us alone."""

import io
import os
import sys
import threading

from mtlkit.contracts.shown import one_line


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
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # as standard error: no locale ends a command


def hush_threads() -> None:
    """Say in a line what the system refuses to a thread, such as TensorBoard's; all else is a traceback."""
    told = threading.excepthook

    def hook(arguments: threading.ExceptHookArgs) -> None:
        if not isinstance(arguments.exc_value, OSError):
            told(arguments)
        elif sys.stderr is not None:
            of = f" of {arguments.thread.name}" if arguments.thread else ""
            told_of = f"warning: a thread in the background{of} failed: {arguments.exc_value}"
            sys.stderr.write(one_line(told_of) + "\n")

    threading.excepthook = hook


def leave_streams() -> None:
    """Write out what is left; where nobody reads any more it goes nowhere, and Python has nothing to add."""
    for number, stream in ((1, sys.stdout), (2, sys.stderr)):
        try:
            stream.flush()
        except (OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), number)
