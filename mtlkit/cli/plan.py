"""`mtlkit plan`: the whole timeline before anything trains."""

from typing import Annotated

from cyclopts import Parameter

from mtlkit.cli.arguments import Json, Overrides, PluginFiles, RecipeFile
from mtlkit.cli.show import say, say_json

Params = Annotated[bool, Parameter(negative=(), show_default=False, help="list every single weight")]


def plan(
    recipe: RecipeFile,
    /,
    *,
    set_: Overrides = (),
    plugin: PluginFiles = (),
    params: Params = False,
    json: Json = False,
) -> int:
    """Show groups, phases, rates over time, and an estimate of memory and time.

    Reads the data and lays out the model without allocating its weights.
    """
    from mtlkit.api import load, preview
    from mtlkit.api import plan as make_plan
    from mtlkit.engine.estimate import estimate
    from mtlkit.outputs.plan_json import plan_document
    from mtlkit.outputs.plan_text import plan_text

    prepared = preview(make_plan(load(recipe, set_, plugin)))
    costs = estimate(prepared)
    if json:
        document = plan_document(prepared.timeline, prepared.moments, prepared.phases)
        say_json({**document, "estimate": {"seconds": costs.seconds, "bytes": costs.memory}})
    else:
        rows = {name: len(found.splits["train"]) for name, found in prepared.data.items()}
        say(
            plan_text(prepared.timeline, prepared.moments, prepared.phases, rows, costs.text(), params=params)
        )
    return 0
