"""The selectors of a plan: where each is written, and which weights it means."""

from collections.abc import Iterator
from typing import Any

from attrs import frozen

from mtlkit.contracts.params import ParamTable
from mtlkit.contracts.selectors import parse
from mtlkit.errors import returned
from mtlkit.plan.model import Part, Plan
from mtlkit.recipe.document import KeyPath
from mtlkit.recipe.problems import dotted


@frozen
class Matched:
    """A selector, its place in the recipe, whether it is a key there, and the weights that it means."""

    path: KeyPath
    text: str
    is_key: bool
    weights: tuple[str, ...]

    @property
    def place(self) -> str:
        """The place as it is shown: `freeze[1].phases[0].freeze`."""
        return dotted(self.path)


def matched(plan: Plan, table: ParamTable) -> tuple[Matched, ...]:
    """Every selector of a plan once for each place that it is written at, in the order of the plan."""
    written = [
        (where(plan.document.data, place, text), text, False)
        for place, part in _selecting(plan)
        for text in returned(part.options.patterns(), list | tuple, f"{part.kind} {part.name!r}", "patterns")
    ]
    written += [(("lr", "curves", text), text, True) for text in plan.curves]
    return tuple(
        Matched(path, text, key, _weights(text, table)) for path, text, key in dict.fromkeys(written)
    )


def _weights(text: str, table: ParamTable) -> tuple[str, ...]:
    selector = parse(text)
    return tuple(row.name for row in table if selector.matches(row, table))


def _selecting(plan: Plan) -> Iterator[tuple[KeyPath, Part]]:
    """The parts whose options may hold selectors, with their places."""
    yield from ((("freeze", number), part) for number, part in enumerate(plan.freeze))
    yield from ((("regularizer", number), part) for number, part in enumerate(plan.regularizers))
    for part in (plan.lr, plan.optimizer):
        if hasattr(part.options, "patterns"):
            yield (part.kind,), part


def where(data: Any, path: KeyPath, text: str) -> KeyPath:  # noqa: ANN401  any TOML value
    """The path, at or below `path`, of the key or value that mentions `text`."""
    here, real = data, list[str | int]()
    for part in path:
        if isinstance(here, dict) and path[0] in ("freeze", "regularizer") and isinstance(part, int):
            continue  # one table stands for a list of one
        real.append(part)
        here = here[part] if not isinstance(here, dict) or part in here else {}
    return _search(here, tuple(real), text) or tuple(real)


def _search(value: Any, path: KeyPath, text: str) -> KeyPath | None:  # noqa: ANN401  any TOML value
    if isinstance(value, str):
        return path if text in value else None
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        if key == text:
            return (*path, key)
        if found := _search(inner, (*path, key), text):
            return found
    return None
