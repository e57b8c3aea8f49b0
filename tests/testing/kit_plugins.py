"""Curves for the tests of the kit itself: importable by a fresh process."""

from typing import Annotated

from annotated_types import Ge, Le
from attrs import frozen

from mtlkit import Card, Curve, hookimpl, option


@frozen
class Steady(Curve):
    """Right."""

    level: Annotated[float, Ge(0), Le(1)] = option("the factor in the second half of the run", 1.0)

    def factor(self, progress, age):
        return 1.0 if 2 * min(progress.step, progress.total) <= progress.total else self.level


@frozen
class Broken(Curve):
    """Below zero in the second half of the run."""

    def factor(self, progress, age):
        return 1.0 if progress.step <= progress.total / 2 else -1.0


@frozen
class Quits(Curve):
    """Ends the process."""

    def factor(self, progress, age):
        raise SystemExit(3)


@frozen
class Flips(Curve):
    """Gives another answer every other time, so that a failure can't be repeated."""

    def factor(self, progress, age):
        CALLS.append(progress.step)
        return 1.0 if len(CALLS) % 2 else -1.0


CALLS: list[int] = []
NUMBER = 7


@frozen
class QuietOptions:
    """None."""


class Quiet:
    """A tracker that says nothing."""

    def __init__(self, options, run_dir):
        pass

    def receive(self, event):
        pass

    def close(self):
        pass


CARD = Card("tracker", "quiet", "says nothing", QuietOptions, Quiet)


@hookimpl
def mtlkit_cards():
    return [CARD]
