"""What turns come to: medians, ratios of medians with the spread of paired ratios, exponents of growth."""

from collections.abc import Callable, Mapping, Sequence
from math import log
from statistics import fmean, median

from attrs import frozen

from tests.bench.values import Cell, Figures, Goal

Read = Callable[[Cell], Sequence[float]]


@frozen
class Spread:
    """A middle and what lies on both sides of it."""

    middle: float
    low: float
    high: float


@frozen
class Reached:
    """What a goal came to, against which of its peers."""

    goal: Goal
    ratio: Spread | None
    against: str = ""

    @property
    def verdict(self) -> str:
        """In one or two words, misses too."""
        if self.ratio is None:
            return "not measured"
        goal, middle = self.goal, self.ratio.middle
        better = 1 if goal.how == "speedup" else -1
        if better * middle >= better * goal.aim:
            return "aim reached"
        return "reached" if better * middle >= better * goal.least else "**missed**"


def spread(values: Sequence[float]) -> Spread:
    """The median of the turns, the least and the largest."""
    return Spread(median(values), min(values), max(values))


def reached(goal: Goal, read: Read, *, higher_is_better: bool) -> Reached:
    """Ours against the best peer: the ratio of the medians, and the least and largest of one turn."""
    ours = read(goal.ours)
    if not ours:
        return Reached(goal, None)
    if goal.how == "alone":
        return Reached(goal, spread(ours))
    found = {cell: read(cell) for cell in goal.theirs if read(cell)}
    if not found:
        return Reached(goal, None)
    pick = max if higher_is_better else min
    best = pick(found, key=lambda cell: median(found[cell]))
    theirs = found[best]
    ours_above = (goal.how == "share") or higher_is_better
    ratios = [_ratio(mine, other, ours_above) for mine, other in zip(ours, theirs, strict=False)]
    middle = _ratio(median(ours), median(theirs), ours_above)
    return Reached(goal, Spread(middle, min(ratios), max(ratios)), best.variant)


def exponent(sizes: Sequence[float], costs: Sequence[float]) -> float:
    """The b of cost = a · size^b, by least squares of the logarithms."""
    xs, ys = [log(size) for size in sizes], [log(cost) for cost in costs]
    x, y = fmean(xs), fmean(ys)
    down = sum((each - x) ** 2 for each in xs)
    return sum((one - x) * (other - y) for one, other in zip(xs, ys, strict=True)) / down


def growth(figures: Mapping[str, Sequence[Figures]], measure: str) -> float | None:
    """The exponent of a figure over variants that are called after their size; None of fewer than two."""
    known = {
        float(name): median(turn[measure] for turn in turns)
        for name, turns in figures.items()
        if turns and all(turn.get(measure, 0) > 0 for turn in turns)
    }
    return exponent(list(known), list(known.values())) if len(known) > 1 else None


def _ratio(ours: float, theirs: float, ours_above: bool) -> float:
    return ours / theirs if ours_above else theirs / ours
