"""`mtlkit run`: from a recipe to a run directory and a table of results."""

from pathlib import Path
from typing import Annotated

import attrs
from cyclopts import Parameter

from mtlkit.cli.arguments import Json, Overrides, PluginFiles, RecipeFile
from mtlkit.cli.show import note, say, say_json, table
from mtlkit.outputs.result import Result

Out = Annotated[Path, Parameter(help="where run directories go")]


def run(
    recipe: RecipeFile,
    /,
    *,
    set_: Overrides = (),
    out: Out = Path("runs"),
    plugin: PluginFiles = (),
    json: Json = False,
) -> int:
    """Train, evaluate and save what a recipe says."""
    from mtlkit.api import load, preview, run_prepared
    from mtlkit.api import plan as make_plan

    made = make_plan(load(recipe, set_, plugin))
    note(f"preparing {made.name}: reading data, laying out the model")
    prepared = preview(made)
    result = run_prepared(prepared, out, console=True)
    if json:
        document = {
            "run": str(result.run_dir),
            "steps": result.steps,
            "split": result.split,
            "metrics": {name: attrs.asdict(metric) for name, metric in result.metrics.items()},
            "phases": [attrs.asdict(phase) for phase in prepared.phases],
            "frozen": result.frozen,
            "warnings": list(result.warnings),
        }
        say_json(document)
    else:
        say(results_table(result))
    return 0


def results_table(result: Result) -> str:
    """Task, metric, value, interval, untrained start."""
    rows = [
        (
            *name.split("/", 1),
            f"{metric.value:.3f}",
            f"[{metric.low:.3f}, {metric.high:.3f}]",
            f"{metric.start:.3f}",
            str(metric.rows),
        )
        for name, metric in result.metrics.items()
    ]
    header = ("task", "metric", "value", "95 % interval", "untrained", "rows")
    shown = table(header, rows) if rows else "no held-out rows: nothing was measured"
    frozen = "frozen weights: unchanged, bit for bit"
    facts = f"{result.steps} steps; {frozen}; results on {result.split or 'no'} rows"
    return f"\n{shown}\n\n{facts}\n{result.run_dir}"
