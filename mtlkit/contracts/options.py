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
UNIT = "unit"


def option(doc: str, default: Any = NOTHING, *, unit: str = "") -> Any:  # noqa: ANN401  as attrs.field
    """An attrs field with a help text of one sentence; without a default the option is required.

    `unit` is what a number counts ("steps", "blocks", "rows"), "rate" for a learning rate; a `Duration`
    needs none.
    """
    metadata = {DOC: doc, UNIT: unit}
    if isinstance(default, dict | list):
        value = default
        return field(factory=lambda: type(value)(value), metadata=metadata)
    return field(default=default, metadata=metadata)
