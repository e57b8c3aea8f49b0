"""Laws of schedules: how rates follow the options, and each other."""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from math import isclose
from operator import mul
from typing import Any

import attrs
from hypothesis import strategies as st

from mtlkit.catalog.options import dump_options
from mtlkit.contracts.options import UNIT
from mtlkit.contracts.params import ParamTable
from mtlkit.contracts.progress import Progress
from mtlkit.contracts.rates import LRSchedule
from mtlkit.testing.law import Values, law, require
from mtlkit.testing.laws.general import subject_tasks
from mtlkit.testing.laws.lr_tables import (
    MODELS,
    Table,
    built,
    groups_of,
    model_runs,
    models,
    rates_of,
    reading_names,
    renamed_task,
    short_model_runs,
)
from mtlkit.testing.laws.moments import accepts, moments, precision_lost, starts
from mtlkit.testing.subject import Subject

LITTLE, TINY = 1e-9, 1e-250
UNHEARD = "zzz-unheard"
ODD_RATE = 0.00371
PRIMES = (3, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43)


def keeping_ratios(subject: Subject) -> str:
    """Applies to schedules that keep the ratios of their rates."""
    declared = getattr(subject.options_class, "keeps_ratios", True)
    return "" if declared else "it declares keeps_ratios = False"


@law(
    "L10",
    why="one curve scales all rates; a plan shows the ratio of two groups as one number",
    mistake="a floor or a bound put on each rate, which bends small ones more than large ones",
    given=model_runs,
    corners=short_model_runs,
    applies=keeping_ratios,
)
def ratios_stay(subject: Subject, options: Table, table: ParamTable, total: int, per_epoch: int) -> None:
    """With `keeps_ratios`, the rates of groups of one age are in the same proportion at every step."""
    schedule = built(subject, options)
    names = list(dict.fromkeys(groups_of(schedule, table).values()))
    first: tuple[str, list[float]] | None = None
    for step in moments(total):
        for age in sorted({0, step}):
            rates = [schedule.rate(group, Progress(step, total, per_epoch), age) for group in names]
            highest = max(rates, default=0.0)
            if highest <= TINY:
                continue
            told, parts = f"step {step}, age {age}", [rate / highest for rate in rates]
            first = first or (told, parts)
            for group, part, before in zip(names, parts, first[1], strict=True):
                require(
                    abs(part - before) <= LITTLE,
                    f"the rate of group {group!r} is {part!r} of the highest at {told} of {total}, "
                    f"and {before!r} of "
                    f"it at {first[0]}",
                )


def with_rates(subject: Subject) -> str:
    """Applies to schedules with options that are rates."""
    cls = subject.options_class
    known = attrs.has(cls) and any(field.metadata.get(UNIT) == "rate" for field in attrs.fields(cls))
    return "" if known else 'no option has unit="rate"'


def options_alone(subject: Subject) -> st.SearchStrategy[Values]:
    """An options table and nothing else."""
    return st.fixed_dictionaries({"options": subject.tables(subject_tasks())})


def first_options(subject: Subject) -> Iterable[Values]:
    """The tables to try first."""
    return [{"options": table} for table in starts(subject)]


@law(
    "L11",
    why="users tune the rates that they write; a rate of 0 must freeze and twice the rate be twice as fast",
    mistake="`rate or default`, so that 0 means the default; a constant added to a rate; a rate "
    "used as a factor",
    given=options_alone,
    corners=first_options,
    applies=with_rates,
)
def rates_are_in_proportion(subject: Subject, options: Table) -> None:
    """With all options that are rates at 0 every rate is 0; with all of them doubled each is doubled."""
    schedule = built(subject, options)
    for factor in (0.0, 2.0, 0.5):
        scaled = _scaled_table(subject, options, partial(mul, factor))
        if scaled is None:
            continue
        other = built(subject, scaled)
        for table in MODELS[:2]:
            for step in (0, 1, 10, 99, 100):
                one = rates_of(schedule, table, Progress(step, 100, 10), step)
                two = rates_of(other, table, Progress(step, 100, 10), step)
                for name, rate in one.items():
                    require(
                        isclose(two[name], rate * factor, rel_tol=LITTLE, abs_tol=TINY),
                        f"the rate of {name} is {rate!r} at step {step} of 100, and {two[name]!r}, not "
                        f"{rate * factor!r}, with {factor:g} times all rates among the options",
                    )


@law(
    "L18",
    why="a rate rounded to single precision differs from the one in the recipe",
    mistake="float32 (a tensor, numpy.float32) or round(…) on the way",
    given=options_alone,
    corners=first_options,
    applies=with_rates,
    share=0.4,
)
def double_precision(subject: Subject, options: Table) -> None:
    """Rates have as many digits as the options that they come from."""
    found = []
    for prime in PRIMES:
        table = _scaled_table(subject, options, partial(_part, prime))
        if table is not None:
            rates = rates_of(built(subject, table), MODELS[0], Progress(1, 100, 10), 1)
            found += [rate for rate in rates.values() if rate > 0]
    lost = precision_lost(found)
    require(not lost, f"of the rates that come from {len(PRIMES)} tables {lost}")


@law(
    "L20",
    why="a recipe with a misspelt task is refused because plugins say which tasks their options name",
    mistake="forgetting to override tasks(), or returning one text instead of a tuple",
    given=models,
    corners=lambda subject: [
        {"options": table, "table": MODELS[0]} for table in (*starts(subject), *_naming_tasks(subject))
    ],
)
def tasks_are_told(subject: Subject, options: Table, table: ParamTable) -> None:
    """`tasks()` is a tuple of texts among the options, and has every task that has a rate of its own."""
    schedule = built(subject, options)
    told = schedule.tasks()
    require(
        not isinstance(told, str) and all(isinstance(task, str) for task in told),
        f"tasks() is {told!r}, not a tuple of names",
    )
    written = set(_words(dump_options(subject.options(options))))
    for task in told:
        require(task in written, f"tasks() has {task!r}, which is not among the options {dict(options)}")
    if reading_names(subject):
        return
    for task in (each for each in table.tasks if each not in told):
        changed = renamed_task(table, task, UNHEARD)
        for step in (0, 50):
            before = list(_rates(schedule, table, step))
            for row, one, two in zip(table, before, _rates(schedule, changed, step), strict=True):
                require(
                    one == two,
                    f"the task {task!r} has a rate of its own ({row.name}: {one!r}, and {two!r} "
                    f"when the task is "
                    f"called {UNHEARD!r}), and tasks() does not name it: {told!r}",
                )


def _naming_tasks(subject: Subject) -> Iterable[Table]:
    """The first tables with a rate for a task in every option that is a table of names."""
    for table in starts(subject):
        options = subject.options(table)
        if attrs.has(type(options)):
            mappings = [str(each.alias) for each in attrs.fields(type(options)) if each.init]
            mappings = [name for name in mappings if isinstance(getattr(options, name, None), Mapping)]
            named = {**table, **{name: {MODELS[0].tasks[0]: ODD_RATE} for name in mappings}}
            if mappings and accepts(subject, named):
                yield named


def _part(prime: int, rate: float) -> float:
    return (rate or 1.0) / prime


def _rates(schedule: LRSchedule, table: ParamTable, step: int) -> Iterable[float]:
    return rates_of(schedule, table, Progress(step, 100, 10), step).values()


def _words(value: Any) -> Iterable[str]:  # noqa: ANN401  a table, or any part of it
    if isinstance(value, str):
        yield value
        yield from re.findall(r"[\w-]+", value)
    elif isinstance(value, Mapping):
        for name, each in value.items():
            yield from _words(name)
            yield from _words(each)
    elif isinstance(value, list):
        for each in value:
            yield from _words(each)


def _scaled_table(
    subject: Subject, options: Table, change: Callable[[float], float]
) -> dict[str, Any] | None:
    """The table with `change` applied to every rate among the options; None where it is refused."""
    try:
        changed = dump_options(_scaled(subject.options(options), change))
    except (ValueError, TypeError):
        return None  # the class checks what it is made of
    return changed if accepts(subject, changed) else None


def _scaled(value: Any, change: Callable[[float], float], marked: bool = False) -> Any:  # noqa: ANN401  options
    if isinstance(value, tuple | list):
        return type(value)(_scaled(each, change, marked) for each in value)
    if isinstance(value, Mapping):
        return {name: _scaled(each, change, marked) for name, each in value.items()}
    if not isinstance(value, type) and attrs.has(type(value)):
        inner = {
            str(each.alias): _scaled(getattr(value, each.name), change, each.metadata.get(UNIT) == "rate")
            for each in attrs.fields(type(value))
            if each.init
        }
        return attrs.evolve(value, **inner)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return change(float(value)) if marked and is_number else value
