"""`mtlkit plan`: the whole timeline before anything trains."""

import os
import sys
from pathlib import Path
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Annotated

import attrs
from cyclopts import Parameter

from mtlkit.cli.arguments import Json, Overrides, PluginFiles, RecipeFile
from mtlkit.cli.show import note, say, say_json, say_text
from mtlkit.contracts.shown import in_lines

if TYPE_CHECKING:
    from mtlkit.engine.estimate import Costs
    from mtlkit.engine.session import Preview

Params = Annotated[bool, Parameter(negative=(), show_default=False, help="list every single weight")]
Plot = Annotated[Path | None, Parameter(help="draw the timeline into this file too, .svg or .png")]
NARROWEST, WIDEST = 40, 200


def plan(
    recipe: RecipeFile,
    /,
    *,
    set_: Overrides = (),
    plugin: PluginFiles = (),
    params: Params = False,
    plot: Plot = None,
    json: Json = False,
) -> int:
    """Show groups, phases, rates over time, and an estimate of memory and time.

    Reads the data and lays out the model without allocating its weights.
    """
    from mtlkit.api import load, preview
    from mtlkit.api import plan as make_plan
    from mtlkit.outputs.plan_json import plan_document
    from mtlkit.outputs.plan_selection import selection_document, selection_text
    from mtlkit.outputs.plan_selectors import selectors_document, selectors_text
    from mtlkit.outputs.plan_text import plan_text, weights_text
    from mtlkit.plan.matching import matched

    if plot is not None:
        from mtlkit.outputs.plan_plot import check_suffix

        check_suffix(plot)
    prepared = preview(make_plan(load(recipe, set_, plugin)))
    from mtlkit.engine.estimate import estimate  # with torch, which a mistake in a recipe need not wait for

    costs, line = estimate(prepared), prepared.timeline
    if json:
        document = plan_document(prepared.timeline, prepared.moments, prepared.phases, prepared.guards)
        evaluated = selection_document(prepared.plan, line.total, line.steps_per_epoch)
        selectors = selectors_document(matched(prepared.plan, line.table))
        say_json({**document, "selectors": selectors, "evaluations": evaluated, **_told(prepared, costs)})
    else:
        rows = {name: len(found.splits["train"]) for name, found in prepared.data.items()}
        say_text(plan_text(line, prepared.moments, prepared.phases, rows, costs.text(), _notes(prepared)))
        selectors_told = selectors_text(matched(prepared.plan, line.table))
        for told in (selectors_told, selection_text(prepared.plan, line.total, line.steps_per_epoch)):
            if told:
                say_text(f"\n{told}")
        for guard in prepared.guards:
            say_text(in_lines(("", f"warning: {guard}")))
        _draw(prepared)
        if params:
            say_text(f"\n{weights_text(prepared.timeline, prepared.phases)}")
    if plot is not None:
        _plot(prepared, plot)
    return 0


def _told(prepared: "Preview", costs: "Costs") -> dict[str, object]:
    chosen = attrs.asdict(prepared.precision) if prepared.precision else {}
    return {"estimate": {"seconds": costs.seconds, "bytes": costs.memory}, "precision": chosen}


def _notes(prepared: "Preview") -> dict[str, str]:
    """What is to be said of how rows are run, by what it is about."""
    backbone, chosen = prepared.built.backbone, prepared.precision
    told = {"backbone": str(backbone.note())} if hasattr(backbone, "note") else {}
    return told | ({"precision": f"{chosen.precision}, because {chosen.why}"} if chosen else {})


def _draw(prepared: "Preview") -> None:
    """The drawing as wide as the terminal, with colours where one reads along and NO_COLOR is not set."""
    from mtlkit.outputs.plan_drawing import lines, plain

    width = min(max(NARROWEST, get_terminal_size().columns), WIDEST)
    drawn = lines(prepared.timeline, prepared.moments, width)
    say()
    if not sys.stdout.isatty() or os.environ.get("NO_COLOR"):
        say_text(plain(drawn))
        return
    from rich.console import Console

    from mtlkit.outputs.plan_colours import coloured

    Console().print(coloured(drawn), soft_wrap=True)


def _plot(prepared: "Preview", file: Path) -> None:
    from mtlkit.outputs.plan_picture import COLUMNS, picture
    from mtlkit.outputs.plan_plot import write_plot
    from mtlkit.plan.drawing import drawing

    grid = drawing(prepared.timeline, prepared.moments, COLUMNS)
    write_plot(picture(grid, prepared.plan.name), file)
    note(f"the timeline is drawn in {file}")
