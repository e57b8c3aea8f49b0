"""A law of plugins that are functions of their options: every number among these changes something."""

from collections.abc import Iterator
from itertools import islice
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import attrs
from hypothesis import HealthCheck, Phase, given, seed, settings

from mtlkit.contracts.duration import Duration
from mtlkit.testing.asking import Answers, first_answers
from mtlkit.testing.law import law, require
from mtlkit.testing.laws.general import subject_tasks
from mtlkit.testing.laws.moments import accepts
from mtlkit.testing.subject import BASES, Subject

Table = dict[str, Any]
NUMBERS = (bool, int, float, Duration)
DRAWN, TABLES, VALUES, LEAST, DIFFERENT = 60, 10, 6, 12, 2


def with_numbers(subject: Subject) -> str:
    """Applies to plugins with generated options, some of them numbers, that follow no measured values."""
    cls = subject.options_class
    if subject.table is not None or not attrs.has(cls):
        return "it is tried with its own options only"
    if not _numbers(cls):
        return "none of its options is a number"
    if getattr(cls, "reads_names", False):
        return "its options may be about weights with names of their own"
    if any(_overrides(cls, asked) for asked in ("metrics", "statistics")) or _waits(cls):
        return "its options may be about what is measured"
    return ""


@law(
    "G14",
    why="who tunes an option that does nothing loses days, and believes what did not happen",
    mistake="an option that is read nowhere, or a constant left where the option was meant",
    applies=with_numbers,
)
def every_number_counts(subject: Subject) -> None:
    """For each option that is a number or a duration, some two values of it give other answers."""
    tables = _tables(subject)
    known: dict[str, Answers] = {}
    for name in _numbers(subject.options_class):
        pairs = list(islice(_pairs(subject, tables, name), TABLES * VALUES))
        counts = any(
            _answers(subject, table, known) != _answers(subject, other, known) for table, other in pairs
        )
        drawn = sorted({repr(table[name]) for table in tables if name in table})
        values = drawn[:VALUES]
        require(
            counts or len(pairs) < LEAST or len(drawn) < DIFFERENT,
            f"the option {name!r} changes no answer, whether it is {' or '.join(values)}, with "
            f"{len(tables)} choices of the others",
        )


def _overrides(cls: type, name: str) -> bool:
    own = getattr(cls, name, None)
    return own is not None and own not in [getattr(base, name, None) for base in BASES]


def _waits(cls: type) -> bool:
    """Whether the default of an option may be the name of a metric, TASK/NAME."""
    return any(isinstance(each.default, str) and "/" in each.default for each in attrs.fields(cls))


def _pairs(subject: Subject, tables: list[Table], name: str) -> Iterator[tuple[Table, Table]]:
    """Tables that differ in nothing but that option."""
    values = list({repr(table[name]): table[name] for table in tables if name in table}.values())
    for number, table in enumerate(tables):
        for at in range(min(VALUES, len(values))):
            value = values[(number + at * max(1, len(values) // VALUES)) % len(values)]
            other = {**table, name: value}
            if repr(table.get(name)) != repr(value) and accepts(subject, other):
                yield table, other


def _answers(subject: Subject, table: Table, known: dict[str, Answers]) -> Answers | str:
    key = repr(sorted(table.items()))
    if key not in known:
        try:
            known[key] = first_answers(subject, table)
        except Exception as error:  # noqa: BLE001  options that build no plugin are for other laws
            known[key] = {"error": repr(error)}
    return known[key]


def _tables(subject: Subject) -> list[Table]:
    """Options tables with every option written, whatever the seed of the run."""
    found: list[Table] = [subject.first_table] if subject.has_first_table else []

    @seed(0)
    @settings(
        max_examples=DRAWN,
        database=None,
        deadline=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(subject.tables(subject_tasks()))
    def draw(table: Table) -> None:
        if table not in found:
            found.append(table)

    draw()
    return found


def _numbers(cls: Any) -> list[str]:  # noqa: ANN401  an attrs class
    """Names of the options whose values are numbers, truth values or durations."""
    hints = get_type_hints(cls, include_extras=True)
    fields = [each for each in attrs.fields(cls) if each.init]
    return [str(each.alias) for each in fields if _is_number(hints.get(each.name))]


def _is_number(annotation: Any) -> bool:  # noqa: ANN401  any annotation
    if get_origin(annotation) is Annotated:
        return _is_number(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return all(_is_number(each) or each is type(None) for each in get_args(annotation))
    return annotation in NUMBERS
