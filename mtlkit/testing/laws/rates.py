"""Laws of schedules: the rate of each group at each moment."""

from collections.abc import Callable
from functools import partial
from math import isclose, isfinite
from typing import Any

from hypothesis import strategies as st

from mtlkit.contracts.params import ParamTable
from mtlkit.contracts.progress import Progress
from mtlkit.contracts.rates import LRSchedule
from mtlkit.testing.asking import Questions
from mtlkit.testing.law import law, require
from mtlkit.testing.laws.lr_tables import (
    MODELS,
    Table,
    built,
    groups_of,
    model_runs,
    models,
    rates_of,
    short_model_runs,
)
from mtlkit.testing.laws.moments import (
    FAR,
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

ASKED = ((0, 1), (10, 5), (1000, 100))
SHORTEST = (0, 1, 2, 3)
LITTLE = 1e-9


def build(subject: Subject, table: Table) -> LRSchedule:
    """The schedule with that options table."""
    return built(subject, table)


def questions(schedule: LRSchedule, subject: Subject) -> Questions:
    """The groups of several models, and the rates of those groups at many moments and ages."""
    asked: dict[str, Callable[[], Any]] = {
        f"groups of model {number}": partial(groups_of, schedule, table)
        for number, table in enumerate(MODELS)
    }
    asked["tasks"] = partial(schedule.tasks)
    for number, table in enumerate(MODELS[:2]):
        for total, per in ASKED:
            for step in moments(total)[:: number + 1]:
                for age in sorted({0, step}):
                    told = f"rates of model {number} at step {step} of {total}, age {age}"
                    asked[told] = partial(rates_of, schedule, table, Progress(step, total, per), age)
    return asked


@law(
    "L1",
    why="an infinite, undefined or negative rate destroys the weights in one step",
    mistake="a division by a length or an age that can be 0, or a group name that `rate` does not know",
    given=model_runs,
    corners=short_model_runs,
)
def rates_are_finite(subject: Subject, options: Table, table: ParamTable, total: int, per_epoch: int) -> None:
    """Every group that `group` names has a finite rate ≥ 0, at every step, age and length of run."""
    schedule = build(subject, options)
    for group in dict.fromkeys(groups_of(schedule, table).values()):
        for step in moments(total):
            for age in sorted({0, 1, step}):
                found = schedule.rate(group, Progress(step, total, per_epoch), age)
                require(
                    isfinite(found) and found >= 0,
                    f"the rate of group {group!r} at step {step} of {total} (age {age}) is {found!r}, "
                    "not a finite number ≥ 0",
                )


@law(
    "L2",
    why="the plan is drawn before the run and a run resumes at any step: both ask in an order of their own",
    mistake="an attribute or module variable that counts calls, or that `group` sets for `rate` to read",
    given=model_runs,
    corners=short_model_runs,
    share=0.5,
)
def walking_there_changes_nothing(
    subject: Subject, options: Table, table: ParamTable, total: int, per_epoch: int
) -> None:
    """The rates of a step are the same after a walk from the start of the run and asked alone."""
    schedule = build(subject, options)
    names = list(dict.fromkeys(groups_of(schedule, table).values()))
    steps = range(min(total, 30) + 1)
    walked = {
        (step, group): schedule.rate(group, Progress(step, total, per_epoch), step)
        for step in steps
        for group in names
    }
    for step in list(reversed(steps))[::3]:
        alone = build(subject, options)  # has never been asked for a group: it only gets their names
        for group in reversed(names):
            found = alone.rate(group, Progress(step, total, per_epoch), step)
            require(
                found == walked[step, group],
                f"the rate of group {group!r} at step {step} of {total} is {walked[step, group]!r} "
                f"after a walk "
                f"from step 0 and {found!r} asked alone of a new object",
            )


@law(
    "L4",
    why="a dry run of one step must not end in an error",
    mistake="a division by total, by total - 1 or by the length of a duration",
    given=lambda subject: st.fixed_dictionaries({"options": subject.tables()}),
    corners=lambda subject: [{"options": table} for table in starts(subject)],
    share=0.4,
)
def degenerate_lengths_are_defined(subject: Subject, options: Table) -> None:
    """In runs of 0 to 3 steps, with durations of nothing, of the run and beyond, every rate is defined."""
    for length in ("", "0st", "1st", "2st", "3st", "37st", "1ep", "100%"):
        table = with_durations(subject, options, length) if length else dict(options)
        if table is None:
            continue
        schedule = build(subject, table)
        for total in SHORTEST:
            for step in range(2 * total + 2):
                for name, rate in rates_of(
                    schedule, MODELS[1], Progress(step, total, max(1, total)), step
                ).items():
                    require(
                        isfinite(rate) and rate >= 0,
                        f"with durations of {length or 'the options'} the rate of {name} is {rate!r} at step "
                        f"{step} of {total}",
                    )


@law(
    "L9",
    why="groups thaw at different times; each follows its own clock",
    mistake="a cache keyed by group or by step alone, or the age of the group that was asked last",
    given=model_runs,
    corners=short_model_runs,
    share=0.5,
)
def groups_do_not_disturb_each_other(
    subject: Subject, options: Table, table: ParamTable, total: int, per_epoch: int
) -> None:
    """The rate of a group is the same whether or not other groups, or groups of other ages, are asked for."""
    schedule = build(subject, options)
    names = list(dict.fromkeys(groups_of(schedule, table).values()))
    thaws = {group: number * total // (2 * len(names)) for number, group in enumerate(names)}
    steps = range(min(total, 24))
    mixed = {
        (step, group): schedule.rate(group, Progress(step, total, per_epoch), step - thaw)
        for step in steps
        for group, thaw in thaws.items()
        if thaw <= step
    }
    for group, thaw in thaws.items():
        alone = build(subject, options)
        for step in reversed(steps):
            if thaw > step:
                continue
            for age in (step, step - thaw):
                found = alone.rate(group, Progress(step, total, per_epoch), age)
            require(
                found == mixed[step, group],
                f"the rate of group {group!r}, thawed at step {thaw}, is {found!r} at step {step} "
                f"of {total} when "
                f"asked for it alone, and {mixed[step, group]!r} when asked for others too",
            )


@law(
    "L13",
    why="a metric that can't be computed for once must not change the rates",
    mistake="comparing with NaN, counting entries instead of values, or reading the last entry of any metric",
    given=lambda subject: logged_runs(subject),
    corners=logs_to_try,
    share=0.5,
)
def nan_metrics_change_nothing(subject: Subject, options: Table, total: int, log: Log) -> None:
    """Entries of the metric log that are NaN, and the order of metrics within a step, change no rate."""
    schedule = build(subject, options)
    names = dict.fromkeys(groups_of(schedule, MODELS[1]).values())
    for step in range(0, total + 1, 1 + total // 20):
        for group in names:
            found = schedule.rate(group, at(step, total, log), step)
            require(isfinite(found), f"the rate of group {group!r} at step {step} of {total} is {found!r}")
            for told, other in versions(log).items():
                changed = schedule.rate(group, at(step, total, other), step)
                require(
                    isclose(found, changed, rel_tol=1e-6, abs_tol=1e-15),
                    f"the rate of group {group!r} at step {step} of {total} is {found!r}, and "
                    f"{changed!r} {told}",
                )


@law(
    "L14",
    why="rates go into plans, logs and checkpoints as plain numbers",
    mistake="numpy or torch scalars, Fraction or Decimal, passed on instead of float(...)",
    given=models,
    corners=lambda subject: [{"options": options, "table": MODELS[0]} for options in starts(subject)],
    share=0.5,
)
def rates_are_python_numbers(subject: Subject, options: Table, table: ParamTable) -> None:
    """Every rate is a Python float."""
    schedule = build(subject, options)
    for group in dict.fromkeys(groups_of(schedule, table).values()):
        for step in (0, 1, 50, 99, 100, FAR):
            found = schedule.rate(group, Progress(step, 100, 10), step)
            require(
                type(found) in (float, int),
                f"the rate of group {group!r} at step {step} of 100 is a "
                f"{type(found).__module__}.{type(found).__name__}",
            )


@law(
    "L16",
    why="a formula that runs on after the end can grow without bound",
    mistake="step / total without min(step, total)",
    given=models,
    corners=lambda subject: [{"options": options, "table": MODELS[1]} for options in starts(subject)],
    share=0.5,
)
def nothing_grows_after_the_end(subject: Subject, options: Table, table: ParamTable) -> None:
    """After the end of a run no rate is above what it was at its highest during it."""
    total, per_epoch = 1000, 100
    if span(subject, options, total, per_epoch) > total:
        return
    schedule = build(subject, options)
    for group in dict.fromkeys(groups_of(schedule, table).values()):
        highest = max(
            schedule.rate(group, Progress(step, total, per_epoch), step) for step in range(total + 1)
        )
        for step in (total + 1, total + 7, 2 * total, 5 * total, FAR):
            found = schedule.rate(group, Progress(step, total, per_epoch), step)
            require(
                found <= highest * (1 + LITTLE),
                f"the rate of group {group!r} is {highest!r} at most in a run of {total} steps, and "
                f"{found!r} at "
                f"step {step}",
            )
