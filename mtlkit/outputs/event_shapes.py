"""Whether what a log says of an event has the types of its fields: a log may come from a stranger."""

from collections.abc import Mapping
from functools import cache
from typing import Any, Literal, get_args, get_origin, get_type_hints

LARGEST = 2**63
"""No whole number of a run is larger, and no larger one is a float for certain."""


def fits(cls: type, values: Mapping[str, Any]) -> bool:
    """Whether every one of the values is of the type that the class says of the field of that name."""
    hints = _hints(cls)
    return all(name in hints and _is(value, hints[name]) for name, value in values.items())


@cache
def _hints(cls: type) -> Mapping[str, Any]:
    return get_type_hints(cls)


def _is(value: Any, hint: Any) -> bool:  # noqa: ANN401  any JSON value, any type of a field
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Literal:
        return isinstance(value, str) and value in inner
    if origin is tuple:
        return isinstance(value, list | tuple) and all(_is(each, inner[0]) for each in value)
    if origin is Mapping:
        return isinstance(value, Mapping) and all(_is(each, inner[1]) for each in value.values())
    if isinstance(value, bool) or (isinstance(value, int) and abs(value) > LARGEST):
        return False
    return isinstance(value, int | float) if hint is float else isinstance(value, hint)
