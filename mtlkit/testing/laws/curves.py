"""Laws of curves: a factor on every rate over the run."""

from collections.abc import Iterable, Mapping
from functools import partial
from math import isfinite
from typing import Any

from hypothesis import strategies as st

from mtlkit.contracts.progress import Progress
from mtlkit.contracts.rates import Curve
from mtlkit.testing.asking import Questions
from mtlkit.testing.law import Values, law, require
from mtlkit.testing.laws.general import first
from mtlkit.testing.laws.moments import RUNS, moments
from mtlkit.testing.subject import Subject

Table = Mapping[str, Any]


def build(subject: Subject, table: Table) -> Curve:
    """The curve with that options table."""
    made: Curve = subject.make(table)
    return made


def questions(curve: Curve, subject: Subject) -> Questions:
    """Its factor at many moments of runs of many lengths, with groups young and old."""
    return {
        f"factor at step {step} of {total}, age {age}": partial(curve.factor, Progress(step, total, per), age)
        for total, per in RUNS
        for step in moments(total)
        for age in sorted({0, step})
    }


def runs(subject: Subject) -> st.SearchStrategy[Values]:
    """An options table and the length of a run."""
    return st.fixed_dictionaries(
        {"options": subject.tables(), "total": st.integers(0, 200), "per_epoch": st.integers(1, 50)}
    )


def short_runs(subject: Subject) -> Iterable[Values]:
    """The shortest runs, and one of ten epochs."""
    return [
        {**values, "total": total, "per_epoch": per}
        for values in first(subject)
        for total, per in ((0, 1), (1, 1), (2, 1), (3, 2), (100, 10))
    ]


@law(
    "L1",
    why="an infinite, undefined or negative factor destroys the weights in one step",
    mistake="a division by a length that can be 0, or a formula that is only right inside the run",
    given=runs,
    corners=short_runs,
)
def factors_are_finite(subject: Subject, options: Table, total: int, per_epoch: int) -> None:
    """The factor is a finite number ≥ 0 at every step of a run of any length, and far beyond its end."""
    curve = build(subject, options)
    for step in moments(total):
        for age in (0, step):
            found = curve.factor(Progress(step, total, per_epoch), age)
            require(
                isfinite(found) and found >= 0,
                f"at step {step} of {total} (age {age}) the factor is {found!r}, not a finite number ≥ 0",
            )
