"""Moments of runs worth asking about, and what else the laws of plugins over time share."""

import struct
from collections.abc import Iterable, Mapping, Sequence
from math import frexp, isnan
from typing import Any

import attrs
from hypothesis import strategies as st
from pydantic import ValidationError

from mtlkit.catalog.options import dump_options
from mtlkit.contracts.duration import Duration
from mtlkit.contracts.progress import Measurement, Progress
from mtlkit.errors import MtlkitError
from mtlkit.testing.law import Values
from mtlkit.testing.laws.importing import some_tables
from mtlkit.testing.stretching import durations_in
from mtlkit.testing.subject import Subject

Table = Mapping[str, Any]
Log = tuple[Measurement, ...]

RUNS = ((0, 1), (1, 1), (2, 1), (10, 5), (60, 20), (1000, 100))
"""Total steps and steps per epoch."""
FAR = 10**9
METRIC = "sentiment/accuracy"
PLAIN_BITS = 16


def moments(total: int) -> list[int]:
    """Steps of a run: its ends, both sides of them, a dozen between, twice its length and far beyond."""
    steps = {0, 1, total // 10, total - 1, total, total + 1, 2 * total, FAR}
    return sorted(step for step in steps | {total * part // 12 for part in range(12)} if step >= 0)


def starts(subject: Subject) -> list[dict[str, Any]]:
    """Tables to try first: all defaults where there is such a thing, the one given, and some drawn ones."""
    if "starts" not in subject.memory:
        bare: list[dict[str, Any]] = [{}] if subject.table is None and accepts(subject, {}) else []
        drawn = [table for table in some_tables(subject) if table not in bare]
        subject.memory["starts"] = [*bare, *drawn]
    found: list[dict[str, Any]] = subject.memory["starts"]
    return found


def usual(subject: Subject) -> list[dict[str, Any]]:
    """Tables that a plugin is to work with as people use it: the one given, and all defaults."""
    given = [dict(subject.first_table)] if subject.has_first_table else []
    bare: list[dict[str, Any]] = [{}] if subject.table is None and accepts(subject, {}) else []
    return [*given, *(table for table in bare if table not in given)]


def accepts(subject: Subject, table: Table) -> bool:
    """Whether the plugin takes that options table."""
    try:
        subject.options(table)
    except (ValidationError, MtlkitError):
        return False
    return True


def with_durations(subject: Subject, table: Table, length: str) -> dict[str, Any] | None:
    """The table with all defaults written and every duration of that length; None where it is refused."""
    options = subject.options(table)
    known = {str(each) for each in durations_in(options)}
    changed = _replaced(dump_options(options), known, length)
    return changed if accepts(subject, changed) else None


def span(subject: Subject, table: Table, total: int, per_epoch: int) -> int:
    """The lengths of all durations of the options together, in steps of that run."""
    return sum(each.steps(total, per_epoch) for each in durations_in(subject.options(table)))


@st.composite
def logged_runs(draw: st.DrawFn, subject: Subject) -> Values:
    """An options table, a run, and a log of metrics, the ones that the options name among them."""
    table = draw(subject.tables())
    total = draw(st.integers(1, 60))
    values = st.one_of(st.floats(0, 1, allow_subnormal=False), st.sampled_from((float("nan"), 0.5)))
    entry = st.builds(
        Measurement, st.integers(1, total), st.sampled_from(_metrics(subject, table)[:2]), values
    )
    entries = draw(st.lists(entry, max_size=12, unique_by=lambda each: (each.step, each.metric)))
    log = tuple(sorted(entries, key=lambda each: each.step))
    return {"options": table, "total": total, "log": log}


def logs_to_try(subject: Subject) -> Iterable[Values]:
    """Rising, falling and level metrics with NaN before, between and after the values."""
    nan = float("nan")
    patterns = (
        (nan, 0.1, 0.2, 0.3, 0.4, 0.5),
        (0.5, nan, 0.4, nan, 0.3, nan, 0.2),
        (0.2, nan, nan, nan, nan, 0.3, 0.4),
        (0.5, nan, 0.5, nan, 0.5, 0.5, nan),
        (nan,) * 6,
    )
    for table in starts(subject):
        one, *others = _metrics(subject, table)[:2]
        for pattern in patterns:
            entries = [Measurement(step, one, value) for step, value in enumerate(pattern, start=1)]
            more = [Measurement(entry.step, other, 1 - entry.value) for other in others for entry in entries]
            log = tuple(sorted([*entries, *more], key=lambda entry: entry.step))
            yield {"options": table, "total": 12, "log": log}


def at(step: int, total: int, log: Log) -> Progress:
    """A moment of a run with four steps to an epoch, and what of the log is known by then."""
    return Progress(step, total, 4, tuple(entry for entry in log if entry.step <= step))


def versions(log: Log) -> dict[str, Log]:
    """Logs that must come to the same as this one, which may have NaN in it."""
    known = tuple(entry for entry in log if not isnan(entry.value))
    ranks = {entry.metric: rank for rank, entry in enumerate(log)}
    turned = tuple(sorted(log, key=lambda entry: (entry.step, -ranks[entry.metric])))
    return {
        "without the entries that are NaN": known,
        "with the metrics of one step in another order": turned,
    }


def precision_lost(values: Sequence[float]) -> str:
    """What shows that the values were rounded on the way, or nothing; needs many different ones."""
    different = {value for value in values if value}
    if sum(_bits(value) > PLAIN_BITS for value in different) >= 10 and all(map(_is_single, different)):
        return "every value is one of single precision"
    if len(different) >= 200 and all(round(value, 7) == value for value in different):
        return "every value has 7 decimals at most"
    return ""


def _is_single(value: float) -> bool:
    try:
        return bool(struct.unpack("f", struct.pack("f", value))[0] == value)
    except OverflowError:
        return False


def _bits(value: float) -> int:
    """How many binary digits the number needs."""
    whole = int(frexp(value)[0] * 2**53)
    return 53 - ((whole & -whole).bit_length() - 1) if whole else 0


def _metrics(subject: Subject, table: Table) -> list[str]:
    """Names of metrics to log: texts among the options, and one that is always there."""
    options = subject.options(table)
    texts = [value for value in _texts(options) if "/" in value] or list(_texts(options))
    return list(dict.fromkeys([*texts[:1], METRIC, "news/loss"]))


def _texts(value: Any) -> Iterable[str]:  # noqa: ANN401  options, or any part of them
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, tuple | list):
        for each in value:
            yield from _texts(each)
    elif not isinstance(value, type | Duration) and attrs.has(type(value)):
        for field in attrs.fields(type(value)):
            yield from _texts(getattr(value, field.name))


def _replaced(value: Any, known: set[str], length: str) -> Any:  # noqa: ANN401  a table, or any part of it
    if isinstance(value, str):
        return length if value in known else value
    if isinstance(value, Mapping):
        return {name: _replaced(each, known, length) for name, each in value.items()}
    return [_replaced(each, known, length) for each in value] if isinstance(value, list) else value
