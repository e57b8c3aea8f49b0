"""Laws of curves in long runs and after their end."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hypothesis import strategies as st

from mtlkit.catalog.options import dump_options
from mtlkit.contracts.progress import Progress
from mtlkit.contracts.rates import Curve
from mtlkit.testing.law import Values, law, require
from mtlkit.testing.laws.curves import LITTLE, build, first_tables, runs, short_runs, tables
from mtlkit.testing.laws.moments import FAR, accepts, moments, precision_lost, span, starts, with_durations
from mtlkit.testing.stretching import STEPS, exact, long_enough, moment, nudged, stretched
from mtlkit.testing.subject import Subject

Table = Mapping[str, Any]
LONG, LONG_EPOCH, SAMPLES = 9_999_991, 99_991, 1500
NEARLY = 1e-6


@law(
    "L16",
    why="the last step is the end; a plan or a log that looks one step further must not see the rate climb",
    mistake="step / total without min(step, total)",
    given=runs,
    corners=short_runs,
)
def constant_after_the_end(subject: Subject, options: Table, total: int, per_epoch: int) -> None:
    """From the end of the run on the factor stays what it is there."""
    curve = build(subject, options)
    room = total - span(subject, options, total, per_epoch)
    thaws = [thaw for thaw in (0, total // 2) if thaw <= room or not _reads_age(curve, total, per_epoch)]
    for thaw in thaws if total else ():
        last = curve.factor(Progress(total, total, per_epoch), total - thaw)
        for step in (total + 1, total + 2, total + 7, 2 * total, 3 * total + 1, FAR):
            found = curve.factor(Progress(step, total, per_epoch), step - thaw)
            require(
                abs(found - last) <= LITTLE,
                f"the run of {total} steps ends with the factor {last!r}, and at step {step} it is {found!r} "
                f"(group thawed at step {thaw})",
            )


@law(
    "L18",
    why="in long runs neighbouring steps differ in the eighth digit; a rounded curve is a staircase",
    mistake="float32 (a tensor, numpy.float32) or round(…) inside the formula",
    given=tables,
    corners=first_tables,
    share=0.5,
)
def double_precision(subject: Subject, options: Table) -> None:
    """In a run of ten million steps factors are not rounded to single precision or to seven decimals."""
    curve = build(subject, options)
    steps = range(0, LONG, LONG // SAMPLES)
    lost = precision_lost([curve.factor(Progress(step, LONG, LONG_EPOCH), step) for step in steps])
    require(not lost, f"over a run of {LONG} steps {lost}")


def stretching(subject: Subject) -> str:
    """Applies to curves that stretch."""
    declared = getattr(subject.options_class, "stretches", True)
    return "" if declared else "it declares stretches = False"


def stretched_runs(subject: Subject) -> st.SearchStrategy[Values]:
    """An options table whose numbers have two decimals, and a factor."""
    rounded = subject.tables().map(_rounded).filter(lambda table: accepts(subject, table))
    return st.fixed_dictionaries({"options": rounded, "times": st.integers(2, 5)})


def stretches_to_try(subject: Subject) -> Iterable[Values]:
    """The first tables with all durations in each unit."""
    for start in starts(subject):
        lengths = [with_durations(subject, start, length) for length in ("10%", "2ep", "30st", "4st")]
        found = [table for table in (_rounded(start), *lengths) if table is not None]
        yield from ({"options": table, "times": 3} for table in found)


@law(
    "L19",
    why="with twice the data a run has twice the steps, and its curve must have the same shape",
    mistake="a hard-coded number of steps, an amount of epochs or percent used as steps, total "
    "mistaken for an epoch",
    given=stretched_runs,
    corners=stretches_to_try,
    applies=stretching,
)
def it_stretches(subject: Subject, options: Table, times: int) -> None:
    """With durations and run n times as long, the factor at step n·k is that at step k, give or take a step.

    Durations of a few steps are left out: there one step more or less makes much.
    """
    made = subject.options(options) if accepts(subject, options) else None
    if made is None or not exact(made) or not long_enough(made):
        return
    long = _curve_of(subject, stretched(made, times))
    if long is None:
        return
    curve = build(subject, options)
    nearby = [each for each in (_curve_of(subject, nudged(made, by)) for by in (-1, 1)) if each is not None]
    for thaw in (0, STEPS // 3):  # a group that trains from the start, one that thaws after a third
        for step in range(thaw, STEPS + 1):
            one = curve.factor(moment(step), step - thaw)
            other = long.factor(moment(times * step, times), times * (step - thaw))
            if abs(one - other) <= NEARLY:
                continue
            allowed = 2 * _one_step(curve, nearby, step, thaw) + NEARLY
            require(
                abs(one - other) <= allowed,
                f"the factor is {one!r} at step {step} of {STEPS}, and {other!r} at step {times * step} of "
                f"{times * STEPS}, with durations {times} times as long (group thawed at step "
                f"{thaw}); one step "
                f"more or less makes {allowed / 2:.3g}",
            )


def _one_step(curve: Curve, nearby: Sequence[Curve], step: int, thaw: int) -> float:
    """How much one step more or less makes there, of the run, of the age or of the durations."""
    here = curve.factor(moment(step), step - thaw)
    before, after = max(thaw, step - 1), min(STEPS, step + 1)
    around = [curve.factor(moment(each), each - thaw) for each in (before, after)]
    age = step - thaw
    around += [each.factor(moment(step), age) for each in nearby]
    # Apart too: a rise with age and a fall with the run may balance each other.
    around += [curve.factor(moment(step), each) for each in (max(0, age - 1), age + 1)]
    return abs(around[0] - here) + abs(around[1] - here) + sum(abs(each - here) for each in around[2:])


def _curve_of(subject: Subject, made: Any) -> Curve | None:  # noqa: ANN401  the plugin's own class
    """The curve with those options, None where they are refused."""
    table = dump_options(made)
    return build(subject, table) if accepts(subject, table) else None


def _reads_age(curve: Curve, total: int, per_epoch: int) -> bool:
    return any(
        curve.factor(Progress(step, total, per_epoch), 0)
        != curve.factor(Progress(step, total, per_epoch), step)
        for step in moments(total)
    )


def _rounded(value: Any) -> Any:  # noqa: ANN401  a table, or any part of it
    if isinstance(value, float):
        return round(value, 2)
    if isinstance(value, Mapping):
        return {name: _rounded(each) for name, each in value.items()}
    return [_rounded(each) for each in value] if isinstance(value, list | tuple) else value
