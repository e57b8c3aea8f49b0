"""Options tables of any plugin, made of the annotations of its options class."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import gettempdir
from typing import Annotated, Any, get_args, get_type_hints

import attrs
from hypothesis import reject
from hypothesis import strategies as st
from hypothesis.errors import InvalidArgument
from pydantic import BaseModel, ValidationError

from mtlkit.catalog.catalog import Entry
from mtlkit.catalog.options import make_options
from mtlkit.contracts.card import Card
from mtlkit.contracts.place import Place
from mtlkit.testing.strategies.annotated import Reader

Table = dict[str, Any]
SELECTORS = ("backbone", "embeddings", "blocks[0:1]", "blocks[-1:]", "heads", "type:norm", "*.bias", "final")
WORDS = ("text", "label", "tags", "score", "x", "first", "utf-8")
TASKS = ("sentiment", "news")
TRIES = 6


@attrs.frozen
class _Option:
    name: str
    annotation: Any
    required: bool


def options(cls: type, tasks: tuple[str, ...] = ()) -> st.SearchStrategy[Table]:
    """Tables of plain values that `make_options` accepts for an attrs class (or pydantic model) of options.

    Values follow the annotations: bounds, literals, tuples, mappings, unions, durations, nested classes.
    Keys with a default are left out half of the time; a `Place` is left out where it may be, else it
    names a file that need not exist. Strings are names of `tasks` (where none are given, "sentiment" and
    "news"), selectors of weights, metrics, plain words, or what the class's attribute `plausible_words`
    lists. Where a class refuses a combination, keys with defaults are left out until it accepts.
    """
    pools = _pools(tasks or TASKS, getattr(cls, "plausible_words", ()))
    entry = Entry(Card("freeze", cls.__name__, "", cls), "the class under test", "")
    return _accepted(entry, tuple(_tables(cls, pool) for pool in pools), _optional(cls))


def _pools(tasks: tuple[str, ...], own: tuple[str, ...]) -> tuple[st.SearchStrategy[str], ...]:
    """What all strings of one table are drawn from: one kind of string alone, or all kinds."""
    selectors = (*SELECTORS, *(f"head.{task}" for task in tasks))
    metrics = tuple(f"{task}/accuracy" for task in tasks)
    whole = (*own, *WORDS, *tasks, *selectors, *metrics)
    kinds = (*((own,) if own else ()), tasks, selectors, WORDS, whole, metrics)
    return tuple(map(st.sampled_from, kinds))


@st.composite
def _accepted(
    draw: st.DrawFn, entry: Entry, tables: tuple[st.SearchStrategy[Table], ...], optional: tuple[str, ...]
) -> Table:
    first = draw(st.integers(0, len(tables) - 1))
    optional = optional[::-1] if draw(st.booleans()) else optional
    drawn = (draw(tables[(first + at) % len(tables)]) for at in range(TRIES))
    found = next(
        (each for table in drawn for each in _reduced(table, optional) if _accepts(entry, each)), None
    )
    return reject() if found is None else found


def _reduced(table: Table, optional: tuple[str, ...]) -> Iterator[Table]:
    """The table, then without one optional key each, then without more and more of them."""
    yield table
    spare = [name for name in optional if name in table]
    for name in spare:
        yield {key: value for key, value in table.items() if key != name}
    for count in range(2, len(spare) + 1):
        yield {key: value for key, value in table.items() if key not in spare[:count]}


def _accepts(entry: Entry, table: Table) -> bool:
    try:
        make_options(entry, table, Path(gettempdir()))
    except (ValidationError, ValueError):
        return False
    return True


def _tables(cls: type, words: st.SearchStrategy[str]) -> st.SearchStrategy[Table]:
    """Tables of the types that the fields ask for, which the class may still refuse."""

    def nested(inner: type) -> st.SearchStrategy[Table]:
        return st.deferred(lambda: tables_of(inner))

    def tables_of(each: type) -> st.SearchStrategy[Table]:
        required, optional = {}, {}
        for told in _options(each):
            values = reader.values(told.annotation)
            if told.required:
                required[told.name] = values
            elif not _has_place(told.annotation) and not values.is_empty:
                optional[told.name] = values
        lacking = [name for name, values in required.items() if values.is_empty]
        if lacking:
            raise InvalidArgument(f"{each.__name__}: no values are known for {', '.join(lacking)}")
        return st.fixed_dictionaries(required, optional=optional)

    reader = Reader(words, nested)
    return tables_of(cls)


def _optional(cls: type) -> tuple[str, ...]:
    return tuple(told.name for told in _options(cls) if not told.required)


def _options(cls: Any) -> tuple[_Option, ...]:  # noqa: ANN401  an attrs class or a pydantic model
    if issubclass(cls, BaseModel):
        return tuple(
            _Option(
                field.alias or name,
                Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation,
                field.is_required(),
            )
            for name, field in cls.model_fields.items()
        )
    hints = get_type_hints(cls, include_extras=True)
    return tuple(
        _Option(str(each.alias), hints.get(each.name, Any), each.default is attrs.NOTHING)
        for each in attrs.fields(cls)
        if each.init
    )


def _has_place(annotation: Any) -> bool:  # noqa: ANN401  any annotation
    return annotation is Place or any(map(_has_place, get_args(annotation)))
