"""Stopping a run from outside: a signal asks, the loop stops where nothing is lost."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from attrs import define, field

COPY = b"a plugin forked this process and came back: the copy ends, the run goes on\n"
EXIT_OF_COPY = 4


class Interrupted(BaseException):
    """A stop was asked for, raised where the work at hand can be dropped."""


@define
class Stop:
    """What a signal handler asks, and the loop looks at.

    Work that changes nothing, such as loading data or an evaluation, is dropped at once, all else finished.
    `asked` is the number of the signal, 0 before there was one. `beats` counts what happens, for whoever
    watches that something does.
    """

    asked: int = 0
    beats: int = 0
    owner: int = field(factory=os.getpid)
    _droppable: bool = True

    def ask(self, number: int) -> None:
        """Ask to stop; called by a signal handler, between any two instructions of the main thread.

        Raises:
            Interrupted: when the work at hand can be dropped.
        """
        self.asked = number
        if self._droppable:
            self.check()

    def check(self) -> None:
        """Stop here if it was asked for.

        Raises:
            Interrupted: when it was.
        """
        self.beat()
        if self.asked:
            raise Interrupted

    def beat(self) -> None:
        """Something happens; a process that is a copy of the run's own, forked by a plugin, ends here."""
        self.beats += 1
        if os.getpid() != self.owner:
            os.write(2, COPY)
            os._exit(EXIT_OF_COPY)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Work that must be finished: a stop takes effect at the next `check`."""
        before, self._droppable = self._droppable, False
        try:
            yield
        finally:
            self._droppable = before

    @contextmanager
    def droppable(self) -> Iterator[None]:
        """Work that changes nothing: a stop takes effect at once, whatever foreign code makes of it."""
        self.check()
        before, self._droppable = self._droppable, True
        try:
            yield
        except Exception as error:
            if self.asked:
                raise Interrupted from error
            raise
        finally:
            self._droppable = before
        self.check()
