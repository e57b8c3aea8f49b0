"""Laws of freeze policies over time: when phases begin, what measurements do, what is left to train."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, get_args, get_type_hints

import attrs
from hypothesis import strategies as st

from mtlkit.contracts.duration import Duration, Unit
from mtlkit.contracts.progress import Measurement
from mtlkit.testing.law import Values, law, require
from mtlkit.testing.laws.freeze_cases import (
    DEPTH,
    Log,
    Sets,
    Table,
    evaluations,
    known_tables,
    largest,
    logs,
    make,
    metrics_in,
    option_tables,
    plain_runs,
    progress,
    rich_table,
    runs,
    whole,
)
from mtlkit.testing.laws.moments import moments
from mtlkit.testing.stretching import stretched
from mtlkit.testing.subject import Subject

STEPS, STEPS_PER_EPOCH = 600, 60
"""A run of which halves, thirds, quarters, fifths, twelfths and percents are whole steps."""
TIMES = (2, 3)
RUN = (STEPS, STEPS_PER_EPOCH)
LEAST = 12.0


def timed(subject: Subject) -> str:
    """Applies to policies with a duration among their options."""
    return "" if _has_duration(subject.options_class) else "none of its options is a duration"


def stretching(subject: Subject) -> str:
    """Applies to policies whose phases stretch with the run."""
    stretches = getattr(subject.options_class, "stretches", True)
    return "" if stretches else "it declares that its phases do not stretch with the run"


def long_runs(subject: Subject) -> st.SearchStrategy[Values]:
    """An options table, how many times as long the run becomes, and a metric log."""
    return option_tables(subject).flatmap(
        lambda options: st.fixed_dictionaries(
            {
                "options": st.just(options),
                "times": st.sampled_from(TIMES),
                "log": logs(whole(subject, options)),
            }
        )
    )


def plain_long_runs(subject: Subject) -> Iterable[Values]:
    """The known options with an empty log, and with a plain one."""
    for options in known_tables(subject):
        for log in ((), evaluations(whole(subject, options), (0.5, 0.25, 0.75, 0.75))):
            yield {"options": options, "times": TIMES[0], "log": log}


@law(
    "F16",
    why="a phase in which nothing trains wastes the steps it lasts; a run with one is refused",
    mistake="a stage before the heads thaw, a comparison the wrong way round, or trains_nothing not declared",
    given=runs,
    corners=plain_runs,
    applies=lambda subject: (
        "it declares trains_nothing" if getattr(subject.options_class, "trains_nothing", False) else ""
    ),
)
def something_always_trains(subject: Subject, options: Table, total: int, per_epoch: int, log: Log) -> None:
    """In every phase something trains, on a model with every kind of weight and heads of several tasks."""
    policy = make(subject, options)
    if policy.patterns():
        return  # which weights are left is up to the selectors that the user wrote
    sets = Sets(policy, rich_table(policy, depth=DEPTH + largest(whole(subject, options))))
    for step in moments(total):
        names = sets.at(progress(step, total, per_epoch, log))
        require(bool(names), f"nothing trains at step {step} of {total}, and trains_nothing is not declared")


@law(
    "F18",
    why="a policy that says it only thaws promises that nothing trained is ever frozen again",
    mistake="one stage thawed alone instead of added, a measured value that falls, a stage counted modulo",
    given=runs,
    corners=plain_runs,
    applies=lambda subject: (
        "" if getattr(subject.options_class, "monotone", False) else "it does not declare that it is monotone"
    ),
)
def what_trains_goes_on_training(
    subject: Subject, options: Table, total: int, per_epoch: int, log: Log
) -> None:
    """Each trained set contains the one before it, from step 0 to beyond the end."""
    policy = make(subject, options)
    sets = Sets(policy, rich_table(policy))
    before = sets.at(progress(0, total, per_epoch, log))
    for step in sorted({*range(total + 2), *moments(total)}):
        now = sets.at(progress(step, total, per_epoch, log))
        lost = before - now
        name = min(lost, default="")
        require(not lost, f"{name} trained before step {step} of {total} and is frozen from there on")
        before = now


@law(
    "F19",
    why="a recipe tried on a tenth of the data must freeze and thaw at the same tenths of the run",
    mistake="> where >= is meant, one step more or less, an amount used without its unit, a number of steps "
    "written into the code, step % every instead of step // every",
    given=long_runs,
    corners=plain_long_runs,
    applies=stretching,
    share=0.5,
)
def phases_stretch_with_the_run(subject: Subject, options: Table, times: int, log: Log) -> None:
    """With every duration and the run n times as long, what changed at step k changes at step n·k exactly."""
    short = _in_whole_steps(subject.options(options))
    if short is None:
        return
    table = rich_table(short)
    here, there = Sets(short, table), Sets(stretched(short, times), table)
    late = tuple(attrs.evolve(entry, step=entry.step * times) for entry in log)
    for step in range(STEPS + 2):
        expected = here.at(progress(step, STEPS, STEPS_PER_EPOCH, log))
        for at in range(step * times, (step + 1) * times):
            found = there.at(progress(at, STEPS * times, STEPS_PER_EPOCH * times, late))
            require(
                found == expected,
                f"step {step} of {STEPS} trains {len(expected)} weights of {len(table)}, and with every "
                f"duration and the run {times} times as long, step {at} trains {len(found)}",
            )


@law(
    "F29",
    why="half an epoch and the number of steps that it takes are the same length of training",
    mistake="duration.amount without its unit, int() of half an epoch, or a unit that was forgotten",
    given=long_runs,
    corners=plain_long_runs,
    applies=timed,
    share=0.5,
)
def units_of_duration_are_equal(subject: Subject, options: Table, times: int, log: Log) -> None:
    """A duration written in epochs, in steps or in percent of the run means the same."""
    given = _in_whole_steps(subject.options(options))
    if given is None:
        return
    table = rich_table(given)
    sets = Sets(given, table)
    for unit in get_args(Unit):
        other = _changed(given, partial(_in_unit, unit=unit))
        if other is None:
            continue
        others = Sets(other, table)
        for step in range(STEPS + 2):
            moment = progress(step, STEPS, STEPS_PER_EPOCH, log)
            one, two = sets.at(moment), others.at(moment)
            require(
                one == two,
                f"in a run of {STEPS} steps, {STEPS_PER_EPOCH} an epoch, step {step} trains {len(one)} "
                f"weights of {len(table)} with {given}, and {len(two)} with the same durations in {unit!r}",
            )


@law(
    "F23",
    why="an evaluation that failed, or was logged again after resuming, must not freeze or thaw anything",
    mistake="a comparison that is true for NaN, max() or min() over values with NaN, the last entry of an "
    "empty log, counting entries of the log instead of evaluations",
    given=runs,
    corners=plain_runs,
)
def only_new_numbers_count(subject: Subject, options: Table, total: int, per_epoch: int, log: Log) -> None:
    """Without measurements, with NaN among them or with one logged twice, the phases are the same."""
    policy = make(subject, options)
    sets = Sets(policy, rich_table(policy, depth=4))
    steps = sorted({*moments(total), *(entry.step + more for entry in log for more in (0, 1, 5, 9))})
    plain = [sets.at(progress(step, total, per_epoch, log)) for step in steps]
    for what, spoiled in _spoiled(log, metrics_in(whole(subject, options))):
        for step, expected in zip(steps, plain, strict=True):
            found = sets.at(progress(step, total, per_epoch, spoiled))
            require(
                found == expected,
                f"{what} changes what trains at step {step} of {total}: {len(expected)} weights before, "
                f"{len(found)} after",
            )


def _spoiled(log: Log, metrics: list[str]) -> Iterator[tuple[str, Log]]:
    """The log with something that is no news: NaN before, between and after, and entries once more."""
    nan = float("nan")
    steps = sorted({entry.step for entry in log})
    for at in (0, *steps):
        before = tuple(entry for entry in log if entry.step <= at)
        after = log[len(before) :]
        blanks = tuple(Measurement(at + 5, metric, nan) for metric in metrics)
        yield f"NaN measured after step {at + 5}", (*before, *blanks, *after)
        many = tuple(attrs.evolve(each, step=at + more) for more in range(1, 10) for each in blanks)
        yield f"NaN measured nine times after step {at}", (*before, *many, *after)
        again = tuple(entry for entry in before if entry.step == at)
        yield f"what was measured after step {at} logged twice", (*before, *again, *after)
    yield "every measurement logged twice", tuple(entry for entry in log for _ in range(2))


def _in_whole_steps(policy: Any) -> Any:  # noqa: ANN401  the plugin, or None
    """The policy with durations of whole steps of the run above, never of nothing, and shares in quarters.

    A duration of nothing may be taken for the shortest there is, one step, which does not stretch.
    """

    def rounded(duration: Duration) -> Duration:
        return _in_unit(duration, duration.unit) if duration.steps(*RUN) else Duration(LEAST, "st")

    return _changed(policy, rounded)


def _in_unit(duration: Duration, unit: str) -> Duration:
    """The same length in another unit where that takes no rounding, else in steps."""
    steps = duration.steps(*RUN)
    if unit == "ep" and steps % (STEPS_PER_EPOCH // 4) == 0:
        return Duration(steps / STEPS_PER_EPOCH, "ep")
    if unit == "%" and steps <= STEPS:
        return Duration(steps / (STEPS / 100), "%")
    return Duration(float(steps), "st")


def _changed(policy: Any, change: Callable[[Duration], Duration]) -> Any:  # noqa: ANN401  the plugin, or None
    """A copy with other durations; None where it refuses them."""
    try:
        return _mapped(policy, change)
    except ValueError:
        return None


def _mapped(value: Any, change: Callable[[Duration], Duration]) -> Any:  # noqa: ANN401  options
    if isinstance(value, Duration):
        return change(value)
    if isinstance(value, float) and value > 0:
        return max(0.25, value * 4 // 1 / 4)
    if isinstance(value, tuple | list):
        return type(value)(_mapped(each, change) for each in value)
    if isinstance(value, dict):
        return {name: _mapped(each, change) for name, each in value.items()}
    if not isinstance(value, type) and attrs.has(type(value)):
        fields = [each for each in attrs.fields(type(value)) if each.init]
        new = {str(each.alias): _mapped(getattr(value, each.name), change) for each in fields}
        return attrs.evolve(value, **new)
    return value


def _has_duration(annotation: Any) -> bool:  # noqa: ANN401  any annotation
    if annotation is Duration:
        return True
    if isinstance(annotation, type) and attrs.has(annotation):
        return any(map(_has_duration, get_type_hints(annotation, include_extras=True).values()))
    return any(map(_has_duration, get_args(annotation)))
