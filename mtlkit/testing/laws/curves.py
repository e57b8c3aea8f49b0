"""Laws of curves: a factor on every rate over the run."""

from collections.abc import Iterable, Mapping
from functools import partial
from math import isclose, isfinite
from typing import Any

from hypothesis import strategies as st

from mtlkit.contracts.progress import Progress
from mtlkit.contracts.rates import Curve
from mtlkit.testing.asking import Questions
from mtlkit.testing.law import Values, law, require
from mtlkit.testing.laws.moments import (
    RUNS,
    Log,
    at,
    logged_runs,
    logs_to_try,
    moments,
    span,
    starts,
    versions,
    with_durations,
)
from mtlkit.testing.subject import Subject

Table = Mapping[str, Any]
SHORTEST = (0, 1, 2, 3)
LENGTHS = ("0st", "1st", "2st", "3st", "4st", "37st", "1ep", "100%")
LITTLE = 1e-9


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
    """The shortest runs, one of ten epochs, and one of many steps."""
    return [
        {"options": table, "total": total, "per_epoch": per}
        for table in starts(subject)
        for total, per in ((0, 1), (1, 1), (2, 1), (3, 2), (100, 10), (2000, 100))
    ]


def tables(subject: Subject) -> st.SearchStrategy[Values]:
    """An options table."""
    return st.fixed_dictionaries({"options": subject.tables()})


def first_tables(subject: Subject) -> Iterable[Values]:
    """The tables to try first."""
    return [{"options": table} for table in starts(subject)]


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


@law(
    "L2",
    why="the plan is drawn before the run and a run resumes at any step: both ask in an order of their own",
    mistake="an attribute or module variable that counts calls or remembers the last factor",
    given=runs,
    corners=short_runs,
    share=0.5,
)
def walking_there_changes_nothing(subject: Subject, options: Table, total: int, per_epoch: int) -> None:
    """The factor of a step is the same after a walk from the start of the run and asked alone."""
    curve = build(subject, options)
    steps = range(min(total, 100) + 1)
    walked = [curve.factor(Progress(step, total, per_epoch), step) for step in steps]
    for step in reversed(moments(min(total, 100))):
        if step not in steps:
            continue
        alone = build(subject, options).factor(Progress(step, total, per_epoch), step)
        require(
            alone == walked[step],
            f"at step {step} of {total} it gives {walked[step]!r} after a walk from step 0 and "
            f"{alone!r} asked alone",
        )


@law(
    "L4",
    why="a dry run of one step, or a warm-up longer than the run, must not end in an error",
    mistake="a division by total, by total - 1, by the length of the warm-up or by what is left after it",
    given=tables,
    corners=first_tables,
    share=0.4,
)
def degenerate_lengths_are_defined(subject: Subject, options: Table) -> None:
    """In runs of 0 to 3 steps, with durations of nothing, of the run and beyond, the factor is defined."""
    for length in ("", *LENGTHS):
        table = with_durations(subject, options, length) if length else dict(options)
        if table is None:
            continue
        curve = build(subject, table)
        for total in SHORTEST:
            for step in range(2 * total + 2):
                found = curve.factor(Progress(step, total, max(1, total)), step)
                require(
                    isfinite(found) and found >= 0,
                    f"with durations of {length or 'the options'} the factor at step {step} of "
                    f"{total} is {found!r}",
                )


@law(
    "L5",
    why="the rate that a recipe states is the one at the peak; a lower peak trains more slowly than written",
    mistake="an off-by-one in the warm-up, or a floor that is added instead of mixed in",
    given=tables,
    corners=first_tables,
)
def the_peak_is_1(subject: Subject, options: Table) -> None:
    """In a long run the factor reaches 1, but for what one step more or less makes."""
    curve = build(subject, options)
    for total, per_epoch in ((4000, 100), (400, 40)):
        if span(subject, options, total, per_epoch) > total:
            continue
        found = [curve.factor(Progress(step, total, per_epoch), step) for step in range(total + 1)]
        where = max(range(total + 1), key=found.__getitem__)
        around = found[max(0, where - 1) : where + 2]
        require(
            2 * max(around) - min(around) >= 1 - LITTLE,
            f"in a run of {total} steps, {per_epoch} to an epoch, it is {max(found)!r} at most (at "
            f"step {where}), not 1",
        )


@law(
    "L6",
    why="a factor above 1 makes every rate larger than the recipe says",
    mistake="a curve that overshoots before or after its peak, or scales the rate itself",
    given=runs,
    corners=short_runs,
)
def never_above_1(subject: Subject, options: Table, total: int, per_epoch: int) -> None:
    """The factor is never above 1."""
    curve = build(subject, options)
    for step in sorted({*moments(total), *range(min(total, 60))}):
        for age in sorted({0, step // 2, step}):
            found = curve.factor(Progress(step, total, per_epoch), age)
            require(found <= 1 + LITTLE, f"at step {step} of {total} (age {age}) the factor is {found!r}")


def one_peak(subject: Subject) -> str:
    """Applies to curves that declare one peak."""
    declared = getattr(subject.options_class, "one_peak", False)
    return "" if declared else "it does not declare one_peak"


@law(
    "L7",
    why="a rate that rises again at the end of a run undoes what the small rates before it settled",
    mistake="a cosine that goes on into its next half wave, or a warm-up that starts again",
    given=runs,
    corners=short_runs,
    applies=one_peak,
)
def it_rises_once(subject: Subject, options: Table, total: int, per_epoch: int) -> None:
    """With `one_peak`, once the factor has fallen it does not rise again."""
    curve = build(subject, options)
    before, fallen = 0.0, False
    for step in range(total + 3):
        found = curve.factor(Progress(step, total, per_epoch), step)
        require(
            not (fallen and found > before + LITTLE),
            f"it falls and then rises again: from {before!r} to {found!r} at step {step} of {total}",
        )
        fallen = fallen or found < before - LITTLE
        before = found


@law(
    "L9",
    why="groups thaw at different times; what one of them does must not move the others",
    mistake="remembering the age or the factor of the group that was asked last",
    given=runs,
    corners=short_runs,
    share=0.5,
)
def groups_do_not_disturb_each_other(subject: Subject, options: Table, total: int, per_epoch: int) -> None:
    """The factor for a group of one age is the same whether or not it is asked for groups of other ages."""
    curve = build(subject, options)
    thaws = sorted({0, total // 3, total // 2})
    mixed = {
        (step, thaw): curve.factor(Progress(step, total, per_epoch), step - thaw)
        for step in range(min(total, 60))
        for thaw in thaws
        if thaw <= step
    }
    for thaw in thaws:
        alone = build(subject, options)
        for step in range(thaw, min(total, 60)):
            found = alone.factor(Progress(step, total, per_epoch), step - thaw)
            require(
                found == mixed[step, thaw],
                f"for a group that thawed at step {thaw} it gives {found!r} at step {step} of "
                f"{total} when asked "
                f"for it alone, and {mixed[step, thaw]!r} when asked for others too",
            )


@law(
    "L13",
    why="a metric that can't be computed for once must not change the rates",
    mistake="comparing with NaN, counting entries instead of values, or reading the last entry of any metric",
    given=lambda subject: logged_runs(subject),
    corners=logs_to_try,
)
def nan_metrics_change_nothing(subject: Subject, options: Table, total: int, log: Log) -> None:
    """Entries of the metric log that are NaN, and the order of metrics within a step, change nothing."""
    curve = build(subject, options)
    for step in range(total + 1):
        found = curve.factor(at(step, total, log), step)
        require(isfinite(found), f"at step {step} of {total} the factor is {found!r}")
        for told, other in versions(log).items():
            changed = curve.factor(at(step, total, other), step)
            require(
                isclose(found, changed, rel_tol=1e-6, abs_tol=1e-12),
                f"at step {step} of {total} the factor is {found!r}, and {changed!r} {told}",
            )


@law(
    "L14",
    why="rates go into plans, logs and checkpoints as plain numbers",
    mistake="numpy or torch scalars, Fraction or Decimal, passed on instead of float(...)",
    given=runs,
    corners=short_runs,
    share=0.5,
)
def factors_are_python_numbers(subject: Subject, options: Table, total: int, per_epoch: int) -> None:
    """The factor is a Python float."""
    curve = build(subject, options)
    for step in moments(total):
        found = curve.factor(Progress(step, total, per_epoch), step)
        require(
            type(found) in (float, int),
            f"at step {step} of {total} the factor is a {type(found).__module__}.{type(found).__name__}",
        )
