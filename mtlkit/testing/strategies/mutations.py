"""Recipes that are one mistake away from valid, and what the report of the mistake must name."""

from collections.abc import Iterator
from copy import deepcopy
from math import inf, nan
from typing import Any

import attrs
import tomli_w
from hypothesis import strategies as st

from mtlkit.recipe.problems import dotted
from mtlkit.testing.strategies.recipes import Table, recipe_tables

KeyPath = tuple[str | int, ...]
SHORTEST = 4
SLIPS = ("drop", "double", "swap")
TOP = ("name", "backbone", "data", "tasks")
# Option tables with keys that no plugin can do without.
REQUIRED = {
    "layer-wise": ("embeddings", "blocks", "heads"),
    "layer-decay": ("peak",),
    "gradual-unfreeze": ("every",),
    "pattern": ("freeze",),
    "phases": ("phases",),
    "static": ("per_task",),
    "jsonl": ("path",),
    "csv": ("path",),
}
NAMED = ("data", "tasks", "per_task", "limit")  # tables whose keys are the user's own


@attrs.frozen
class Mistake:
    """One change of a recipe: the value at `path` becomes `value`, under the key `key` where one is given.

    `names` is the place that the report must name, `right` what it must suggest, if anything.
    """

    path: KeyPath
    value: Any
    names: KeyPath
    right: str = ""
    key: str = ""
    removed: bool = False


@st.composite
def nearly_valid_recipes(draw: st.DrawFn) -> tuple[str, str, str]:
    """A recipe with one mistake, the dotted path that its report must name, and what it must suggest.

    Mistakes: a misspelt key or plugin (the last value is the right word, else it is empty), a value of
    the wrong type or out of its range, NaN or infinity, true for a number, a missing key that is needed,
    and a name of a task or a source that there is not.
    """
    table = draw(recipe_tables())
    how, at = draw(st.sampled_from(SLIPS)), draw(st.integers(0, 30))
    kind = draw(st.sampled_from(KINDS))
    found = list(kind(table, how, at)) or list(_types(table, how, at))
    mistake = found[draw(st.integers(0, len(found) - 1))]
    return tomli_w.dumps(_changed(table, mistake)), dotted(mistake.names), mistake.right


def misspelt(word: str, how: str, at: int) -> str:
    """The word with a letter too few or too many, or two letters the wrong way round."""
    at %= len(word) - 1
    if how == "swap":
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    return word[:at] + word[at] * (how == "double") * 2 + word[at + 1 :]


def _changed(table: Table, mistake: Mistake) -> Table:
    changed = deepcopy(table)
    here: Any = changed
    for part in mistake.path[:-1]:
        here = here[part]
    last: Any = mistake.path[-1]
    if mistake.key:
        here[mistake.key] = here.pop(last)
    elif mistake.removed:
        del here[last]
    else:
        here[last] = mistake.value
    return changed


def _places(value: Any, path: KeyPath = ()) -> Iterator[tuple[KeyPath, Any]]:  # noqa: ANN401  TOML
    """Every key with its value, lists of plain values as one value."""
    inner: Any = ()
    if isinstance(value, dict):
        inner = value.items()
    elif isinstance(value, list) and any(isinstance(each, dict) for each in value):
        inner = enumerate(value)
    for part, each in inner:
        if isinstance(part, str):
            yield (*path, part), each
        yield from _places(each, (*path, part))


def _numbers(table: Table) -> Iterator[tuple[KeyPath, float]]:
    for path, value in _places(table):
        if isinstance(value, int | float) and not isinstance(value, bool):
            yield path, value


def _types(table: Table, _how: str, _at: int) -> Iterator[Mistake]:
    wrong: dict[type, Any] = {int: "many", float: "much", bool: "yes", str: 3, list: 5, dict: 5}
    for path, value in _places(table):
        if path[-1] in ("grad_clip", "evaluate_every", "checkpoint_every", "freeze", "curve", "validation"):
            continue  # these take several types
        yield Mistake(path, wrong[type(value)], path)


def _ranges(table: Table, _how: str, _at: int) -> Iterator[Mistake]:
    for path, value in _numbers(table):
        yield Mistake(path, -1 if isinstance(value, int) else -0.5, path)
        if path[-1] in ("dropout", "label_smoothing", "share", "floor", "momentum"):
            yield Mistake(path, 1.5, path)


def _not_finite(table: Table, _how: str, _at: int) -> Iterator[Mistake]:
    for path, _ in _numbers(table):
        yield from (Mistake(path, value, path) for value in (nan, inf))


def _truths(table: Table, _how: str, _at: int) -> Iterator[Mistake]:
    for path, _ in _numbers(table):
        yield Mistake(path, True, path)


def _missing(table: Table, _how: str, _at: int) -> Iterator[Mistake]:
    needed: list[KeyPath] = [(key,) for key in TOP]
    for name in table["tasks"]:
        needed += [("tasks", name, "data"), ("tasks", name, "head")]
    for path, value in _places(table):
        if path[-1] == "use":
            needed += [path, *((*path[:-1], key) for key in REQUIRED.get(value, ()))]
    yield from (Mistake(path, None, path, removed=True) for path in needed)


def _strangers(table: Table, _how: str, _at: int) -> Iterator[Mistake]:
    """Names of tasks and sources that there are not."""
    for name in table["tasks"]:
        path = ("tasks", name, "data")
        yield Mistake(path, "nobody", path)
    if "selection" in table:
        yield Mistake(("selection", "metric"), "nobody/accuracy", ("selection", "metric"))
    for part in ("lr", "balancer"):
        if "per_task" in table.get(part, {}):
            yield Mistake((part, "per_task", "nobody"), 1.0, (part, "per_task", "nobody"))
    place = ("freeze", "task")
    yield Mistake(("freeze",), {"use": "head", "task": "nobody"}, place)


def _misspelt_keys(table: Table, how: str, at: int) -> Iterator[Mistake]:
    for path, _ in _places(table):
        key = path[-1]
        own = any(path[:-1][-1:] == (name,) for name in NAMED)
        if not isinstance(key, str) or own or len(key) < SHORTEST or misspelt(key, how, at) == key:
            continue
        wrong = misspelt(key, how, at)
        yield Mistake(path, None, (*path[:-1], wrong), key, key=wrong)


def _misspelt_plugins(table: Table, how: str, at: int) -> Iterator[Mistake]:
    for path, value in _places(table):
        wrong = misspelt(value, how, at) if path[-1] == "use" else value
        if wrong != value:
            yield Mistake(path, wrong, path, value)


KINDS = (
    _types,
    _ranges,
    _not_finite,
    _truths,
    _missing,
    _strangers,
    _misspelt_keys,
    _misspelt_keys,
    _misspelt_plugins,
)
