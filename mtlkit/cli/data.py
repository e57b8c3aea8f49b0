"""`mtlkit data`: what is in the rows of a recipe."""

import attrs

from mtlkit.cli.arguments import Json, Overrides, PluginFiles, RecipeFile
from mtlkit.cli.show import say_json, say_text


def data(
    recipe: RecipeFile,
    /,
    *,
    set_: Overrides = (),
    plugin: PluginFiles = (),
    json: Json = False,
) -> int:
    """Look through the rows: labels, lengths, duplicates, contradictions, and texts on both sides of a split.

    Reads the data and the tokenizer, and no weights.
    """
    from mtlkit.api import audit, load
    from mtlkit.api import plan as make_plan
    from mtlkit.outputs.audit_text import audit_text

    found = audit(make_plan(load(recipe, set_, plugin)))
    if json:
        say_json(attrs.asdict(found))
    else:
        say_text(audit_text(found))
    return 0
