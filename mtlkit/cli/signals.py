"""Signals: the first asks a command to stop where nothing is lost, the second ends it at once."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread, current_thread, main_thread
from types import FrameType
from typing import TYPE_CHECKING

from attrs import define, field

from mtlkit.errors import MtlkitError, StoppedError

if TYPE_CHECKING:
    from mtlkit.engine.stopping import Stop

SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGXCPU", "SIGUSR1", "SIGUSR2")
STOPPING = b"\nstopping after this step and saving; once more to leave at once\n"
LEAVING = b"\nstopping; once more to leave at once\n"
END = b"\0"
LEFT = b"\nleft at once; checkpoints that were written are whole\n"


class Left(BaseException):
    """A signal ends a command that has nothing to save."""


@contextmanager
def leaving() -> Iterator[None]:
    """A command that has nothing to save: the first signal ends it, and what it writes aside is cleared away.

    Raises:
        StoppedError: for a signal.
    """
    asked: list[int] = []

    def first(number: int) -> None:
        asked.append(number)
        raise Left

    try:
        with _caught(first, LEAVING):
            yield
    except MtlkitError:
        raise
    except BaseException as error:
        if not asked:
            raise
        # not only Left: a library may have made an error of its own of it
        raise StoppedError(*_told(asked[0]), asked[0]) from error


@contextmanager
def stopping() -> "Iterator[Stop]":
    """What a run inside the block looks at, set by signals; those that were ignored stay ignored.

    Raises:
        StoppedError: for a signal before the run began.
    """
    from mtlkit.engine.stopping import Interrupted, Stop

    stop = Stop()
    try:
        with _caught(stop.ask, STOPPING):
            yield stop
    except Interrupted as error:
        message, suggestion = "stopped before the first step", "nothing was saved; run the command again"
        raise StoppedError(message, suggestion, stop.asked) from error


def _told(number: int) -> tuple[str, str]:
    return (
        f"stopped by {signal.Signals(number).name}; no file is half written",
        "run the same command again",
    )


@define
class _Watch:
    """What one signal after the other does: `first` is called in the main thread."""

    first: Callable[[int], None]
    words: bytes
    numbers: tuple[int, ...]
    owner: int = field(factory=os.getpid)
    calls: int = 0

    def handle(self, number: int, _frame: FrameType | None) -> None:
        """Python's side: between any two instructions of the main thread, if it ever comes to one."""
        self.calls += 1
        if self.calls > 1:
            _leave(number)
        _tell(self.words)
        self.first(number)

    def listen(self, end: int) -> None:
        """A thread's side: it hears of a second signal even where the main thread is blocked."""
        seen = 0
        while heard := os.read(end, 1)[0]:
            seen += heard in self.numbers
            if seen > 1:
                _leave(heard)


_watches: list[_Watch] = []


@contextmanager
def _caught(first: Callable[[int], None], words: bytes) -> Iterator[None]:
    """Inside of the block, signals go to a watch; those that were ignored stay ignored.

    They come to the main thread, and can be caught there alone: in any other, none is.
    """
    if current_thread() is not main_thread():
        yield
        return
    numbers = [getattr(signal, name) for name in SIGNALS if hasattr(signal, name)]
    before = {number: signal.getsignal(number) for number in numbers}
    caught = tuple(number for number in numbers if before[number] != signal.SIG_IGN)
    watch = _Watch(first, words, caught)
    read, write = os.pipe()
    os.set_blocking(write, False)
    wakeup = signal.set_wakeup_fd(write, warn_on_full_buffer=False)
    thread = Thread(target=watch.listen, args=(read,), name="mtlkit-signals", daemon=True)
    thread.start()
    _watches.append(watch)
    for number in caught:
        signal.signal(number, watch.handle)
    try:
        yield
    finally:
        for number in caught:
            signal.signal(number, before[number])
        signal.set_wakeup_fd(wakeup)
        _watches.remove(watch)
        os.write(write, END)  # closing would not end the thread: a child may have the pipe open too
        thread.join()
        os.close(write)
        os.close(read)


def _forked() -> None:
    """In a forked child, such as a worker of a plugin: signals to it are not signals to the command.

    It ends by them as any process does; a Ctrl-C in the terminal reaches it too and is left to its parent.
    """
    if not _watches:
        return
    signal.set_wakeup_fd(-1)
    for number in _watches[-1].numbers:
        signal.signal(number, signal.SIG_IGN if number == signal.SIGINT else signal.SIG_DFL)
    _watches.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)


def _leave(number: int) -> None:
    _tell(LEFT)
    os._exit(128 + number)


def _tell(text: bytes) -> None:
    """Write past Python's buffers, which the signal may have interrupted."""
    try:
        os.write(2, text)
    except OSError:  # nobody listens
        return
