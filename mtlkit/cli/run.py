"""`mtlkit run`: from a recipe to a run directory and a table of results."""

from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Literal

import attrs
from cyclopts import Parameter

from mtlkit.cli.arguments import Json, Overrides, PluginFiles, RecipeFile
from mtlkit.cli.going_on import naming_plugins
from mtlkit.cli.show import note, say_json, say_text, table
from mtlkit.cli.signals import stopping
from mtlkit.cli.watch import watching
from mtlkit.contracts.shown import in_lines
from mtlkit.outputs.result import Result
from mtlkit.outputs.run_directory import phases_of

Out = Annotated[Path, Parameter(help="where run directories go")]
Resume = Annotated[
    Literal["auto"] | None,
    Parameter(
        show_default=False,
        help="auto: go on with the newest run of that name that did not end, if there is one",
    ),
]


Profile = Annotated[
    bool,
    Parameter(negative=(), show_default=False, help="tell where the time went, and write trace.json"),
]


def run(
    recipe: RecipeFile,
    /,
    *,
    set_: Overrides = (),
    out: Out = Path("runs"),
    plugin: PluginFiles = (),
    resume: Resume = None,
    profile: Profile = False,
    json: Json = False,
) -> int:
    """Train, evaluate and save what a recipe says."""
    from mtlkit.api import load, preview, resume_prepared, run_prepared
    from mtlkit.api import plan as make_plan
    from mtlkit.cli.profile import profiling, tell
    from mtlkit.outputs.run_directory import unfinished

    with naming_plugins(plugin), stopping() as stop, watching(stop) as watch:
        made = make_plan(load(recipe, set_, plugin))
        watch.parts = made.parts
        note(f"preparing {made.name}: reading data, laying out the model")
        prepared = preview(made)
        from mtlkit.course import Audience  # with torch, which a mistake in a recipe need not wait for

        begun = unfinished(out / made.name) if resume else None
        with profiling() if profile else nullcontext() as profiled:
            if begun is None:
                result = run_prepared(prepared, out, console=True, stop=stop)
            else:
                result = resume_prepared(prepared, begun, Audience(console=True, stop=stop))
    show(result, json=json)
    if profiled is not None:
        tell(profiled, result.run_dir)
    return 0


def show(result: Result, *, json: bool) -> None:
    """The result on standard output, as a table or as JSON."""
    if not json:
        say_text(results_table(result))
        return
    say_json(
        {
            "run": str(result.run_dir),
            "steps": result.steps,
            "split": result.split,
            "metrics": {name: attrs.asdict(metric) for name, metric in result.metrics.items()},
            "phases": phases_of(result.run_dir),
            "frozen": result.frozen,
            "warnings": list(result.warnings),
            "best": {name or "run": attrs.asdict(found) for name, found in result.best.items()},
            "early": result.early,
        }
    )


def results_table(result: Result) -> str:
    """Task, metric, value, interval, untrained start."""
    rows = [
        (
            *name.partition("/")[::2],
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
    early = [f"stopped early: {result.early}"] if result.early else []
    return f"\n{shown}\n{_best_table(result)}\n{in_lines([*early, facts, str(result.run_dir)])}"


def _best_table(result: Result) -> str:
    """The best evaluation of the run and of each task, empty where there was none in training."""
    rows = [
        (
            name or "the run",
            found.metric,
            f"{found.score:.3f}",
            str(found.step),
            found.path.rpartition("/")[2],
        )
        for name, found in sorted(result.best.items())
    ]
    header = ("best of", "by", "validation", "step", "kept as")
    return f"\n{table(header, rows)}\n" if rows else ""
