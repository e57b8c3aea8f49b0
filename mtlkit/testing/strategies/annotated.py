"""From the annotation of an option to strategies of the TOML values that it takes."""

from collections.abc import Callable, Mapping, Sequence, Set
from enum import Enum
from math import ceil, floor, inf
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import attrs
from annotated_types import GroupedMetadata, Interval
from hypothesis import strategies as st

from mtlkit.contracts.duration import Duration
from mtlkit.contracts.freeze import Chosen
from mtlkit.contracts.place import Place
from mtlkit.testing.strategies.clocks import durations

Values = st.SearchStrategy[Any]
Nested = Callable[[type], Values]
SPAN, WIDE = 12, 100
DECIMALS = (0.0, 1e-5, 0.01, 0.1, 0.5, 0.9, 1.0, 2.0, 10.0)
PLACES = ("rows.csv", "data/more rows.jsonl")
POLICIES = (
    {"use": "none"},
    {"use": "backbone"},
    {"use": "embeddings"},
    {"use": "bottom-layers", "layers": 1},
    {"use": "gradual-unfreeze", "every": "2st"},
    {"use": "pattern", "freeze": ["type:norm"]},
    {"use": "lp-ft", "until": "10%"},
)
"""Policies that may be an option of another one; under each the heads train."""


@attrs.frozen
class Limits:
    """What the metadata of an `Annotated` type ask of a value."""

    low: float = -inf
    high: float = inf
    above: bool = False
    below: bool = False
    multiple: float | None = None
    min_length: int = 0
    max_length: int | None = None
    pattern: str = ""

    def holds(self, number: float) -> bool:
        """Whether the number lies between the bounds."""
        over = number > self.low if self.above else number >= self.low
        return over and (number < self.high if self.below else number <= self.high)


@attrs.frozen
class Reader:
    """Makes strategies of annotations.

    `words` draws what a string may be, `nested` the table of an attrs class.
    """

    words: st.SearchStrategy[str]
    nested: Nested

    def values(self, annotation: Any, limits: Limits = Limits()) -> Values:  # noqa: ANN401  any annotation
        """Strategy of the values; it draws nothing where the type has no form in TOML (None, a class)."""
        annotation = getattr(annotation, "__value__", annotation)  # what `type X = …` stands for
        origin, arguments = get_origin(annotation), get_args(annotation)
        if origin is Annotated:
            return self.values(arguments[0], limits_of(annotation.__metadata__, limits))
        if origin is Literal:
            return st.sampled_from(arguments)
        if origin in (Union, UnionType):
            return st.one_of([self.values(each, limits) for each in arguments])
        if annotation is Chosen:
            return st.sampled_from(POLICIES)
        if isinstance(annotation, type) and attrs.has(annotation) and annotation not in (Duration, Place):
            return self.nested(annotation)
        if origin is not None or annotation in (tuple, list, set, frozenset, dict):
            return self._container(origin or annotation, arguments, limits)
        return self._scalar(annotation, limits)

    def _scalar(self, annotation: Any, limits: Limits) -> Values:  # noqa: ANN401  any annotation
        known: dict[Any, Callable[[], Values]] = {
            bool: st.booleans,
            int: lambda: integers(limits),
            float: lambda: numbers(limits),
            str: lambda: st.from_regex(limits.pattern) if limits.pattern else self._text(limits),
            Duration: lambda: durations().map(str),
            Place: lambda: st.sampled_from(PLACES),
            Any: lambda: st.one_of(st.booleans(), st.integers(-SPAN, SPAN), self.words),
        }
        if annotation in known:
            return known[annotation]()
        if isinstance(annotation, type) and issubclass(annotation, Enum):
            return st.sampled_from([each.value for each in annotation])
        return st.nothing()

    def _text(self, limits: Limits) -> st.SearchStrategy[str]:
        if not limits.min_length and limits.max_length is None:
            return self.words
        return self.words.map(lambda word: word.ljust(limits.min_length, "x")[: limits.max_length])

    def _container(self, origin: Any, arguments: tuple[Any, ...], limits: Limits) -> Values:  # noqa: ANN401
        longest = limits.min_length + 3 if limits.max_length is None else limits.max_length
        if origin is tuple and arguments and arguments[-1] is not Ellipsis:
            return st.tuples(*map(self.values, arguments)).map(list)
        if issubclass(origin, Mapping):
            key, value = arguments or (str, Any)
            keys = self.values(key).map(str)
            drawn = self.values(value)
            return st.dictionaries(keys, drawn, min_size=limits.min_length, max_size=longest)
        if not issubclass(origin, Sequence | Set):
            return st.nothing()
        inner = arguments[0] if arguments else Any
        lists = st.lists(
            self.values(inner),
            min_size=limits.min_length,
            max_size=longest,
            unique_by=repr if inner is str or issubclass(origin, Set) else None,
        )
        if isinstance(inner, type) and attrs.has(inner) and inner not in (Duration, Place):
            return st.one_of(lists.map(in_order), lists)
        return lists


def integers(limits: Limits) -> st.SearchStrategy[int]:
    """Small whole numbers near the bounds; where neither is given, both signs.

    An upper bound far away is no reason for large numbers: they are sizes as a rule.
    """
    low = None if limits.low == -inf else ceil(limits.low)
    high = None if limits.high == inf else floor(limits.high)
    if low is None:
        low = -4 if high is None else high - SPAN
    near = low + SPAN if high is None or high - low > WIDE else high
    drawn: st.SearchStrategy[int] = st.integers(low, near).filter(limits.holds)
    if limits.multiple:
        step = int(limits.multiple)
        drawn = drawn.map(lambda number: number * step if high is None else number // step * step)
    return drawn


def numbers(limits: Limits) -> Values:
    """Finite numbers within the bounds, at most 1000 beyond a lower one; whole ones may be written so."""
    low = limits.low if limits.low > -inf else (-SPAN if limits.high == inf else limits.high - 1000)
    high = limits.high if limits.high < inf else low + 1000
    likely = [value for value in DECIMALS if limits.holds(value)]
    whole = [value for value in (0, 1, 2, 3) if limits.holds(value)]
    free = st.floats(
        low, high, exclude_min=limits.above, exclude_max=limits.below, allow_subnormal=False
    ).filter(limits.holds)
    chosen = [st.sampled_from(part) for part in (likely, whole) if part]
    return st.one_of(*chosen, free)


def in_order(tables: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The tables with the durations under each key rising from one to the next, and none in the last.

    A list of tables with durations is as a rule one of stretches of a run.
    """
    ordered = [dict(table) for table in tables]
    for key in sorted({key for table in tables for key, value in table.items() if _is_duration(value)}):
        found = [Duration.parse(table.pop(key)) for table in ordered if _is_duration(table.get(key))]
        unit = found[0].unit
        amounts = sorted({each.amount for each in found if each.unit == unit and each.amount})
        while len(amounts) < len(ordered) - 1:
            amounts.append(amounts[-1] + 1 if amounts else 1.0)
        for table, amount in zip(ordered[:-1], amounts, strict=False):
            table[key] = str(Duration(amount, unit))
    return ordered


def limits_of(metadata: Sequence[Any], limits: Limits = Limits()) -> Limits:
    """The limits that metadata from `annotated_types` or pydantic's `Field` ask for, on top of others."""
    for each in metadata:
        inner = list(each) if isinstance(each, GroupedMetadata) else getattr(each, "metadata", None)
        if inner and not isinstance(each, Interval):
            limits = limits_of(inner, limits)
            continue
        told = {
            ours: getattr(each, theirs) for theirs, ours in FIELDS if getattr(each, theirs, None) is not None
        }
        limits = attrs.evolve(limits, **told)
        if getattr(each, "gt", None) is not None:
            limits = attrs.evolve(limits, above=True)
        if getattr(each, "lt", None) is not None:
            limits = attrs.evolve(limits, below=True)
    return limits


FIELDS = (
    ("ge", "low"),
    ("gt", "low"),
    ("le", "high"),
    ("lt", "high"),
    ("multiple_of", "multiple"),
    ("min_length", "min_length"),
    ("max_length", "max_length"),
    ("pattern", "pattern"),
)


def _is_duration(value: object) -> bool:
    try:
        return isinstance(value, str) and bool(Duration.parse(value))
    except ValueError:
        return False
