"""Options of a plugin are the fields of a frozen attrs class; this declares one with its help text.

    @frozen
    class BottomLayers(FreezePolicy):
        blocks: Annotated[int, Ge(1)] = option("how many blocks to freeze, counted from the bottom")

Types are checked strictly when a recipe is read. Bounds come from `annotated_types`; `Duration`,
nested attrs classes, tuples, mappings, literals and unions of these are understood.
"""

from typing import Any

from attrs import NOTHING, field

DOC = "doc"


def option(doc: str, default: Any = NOTHING) -> Any:  # noqa: ANN401  any type, as in attrs.field
    """An attrs field with a help text of one sentence; without a default the option is required."""
    if isinstance(default, dict | list):
        value = default
        return field(factory=lambda: type(value)(value), metadata={DOC: doc})
    return field(default=default, metadata={DOC: doc})
