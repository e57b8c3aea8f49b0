"""The Python door: what the commands do, as functions."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import evolve, frozen

from mtlkit.errors import MtlkitError, PluginError, Problem, RecipeError, ResourceError
from mtlkit.refusals import refusals

if TYPE_CHECKING:
    from mtlkit.catalog.catalog import Catalog
    from mtlkit.contracts.audit import Audit
    from mtlkit.contracts.events import Event
    from mtlkit.course import Audience
    from mtlkit.engine.opened import Run
    from mtlkit.engine.session import Preview
    from mtlkit.engine.stopping import Stop
    from mtlkit.outputs.export.values import Exported
    from mtlkit.outputs.result import Result
    from mtlkit.plan.changes import Leave
    from mtlkit.plan.model import Plan
    from mtlkit.recipe.document import Document
    from mtlkit.recipe.model import Recipe


@frozen
class LoadedRecipe:
    """A recipe without problems, the text it came from, and the plugins it was checked against."""

    recipe: "Recipe"
    document: "Document"
    catalog: "Catalog"


def load(
    path: str | Path, overrides: Sequence[str] = (), plugin_files: Sequence[str | Path] = ()
) -> LoadedRecipe:
    """Read and check a recipe; `overrides` are `"a.b.c=VALUE"`, `plugin_files` plugins under development.

    Raises:
        RecipeError: with every problem, each with file, line and column.
        PluginError: when one of the plugin files can't be used, though the recipe has no need of it.
    """
    from mtlkit.catalog.discover import open_catalog
    from mtlkit.plan.resolve import examine
    from mtlkit.recipe.document import read

    document = read(Path(path), overrides)
    catalog = open_catalog([Path(file) for file in plugin_files])
    recipe, _ = examine(document, catalog)
    _check_files(catalog, plugin_files)
    return LoadedRecipe(recipe, document, catalog)


def plan(recipe: LoadedRecipe, data: Mapping[str, Any] | None = None) -> "Plan":
    """The plan of a recipe: every default filled in, every plugin chosen. Nothing runs.

    `data` holds the rows of the `[data.NAME]` tables whose source is `memory`: a list of dictionaries, a
    pandas DataFrame, a `datasets.Dataset` or a `pyarrow.Table` each.

    Raises:
        RecipeError: when `data` names another table.
        DataError: when its rows are of no such form.
    """
    from mtlkit.plan.handing import with_rows
    from mtlkit.plan.resolve import resolve

    made = resolve(recipe.document, recipe.catalog)
    return with_rows(made, data) if data else made


def preview(plan: "Plan") -> "Preview":
    """The timeline of a plan: reads the data and lays out the weights, but allocates none.

    Raises:
        RecipeError: for what only the data or the model can tell, placed in the recipe.
    """
    from mtlkit.engine.session import preview as engine_preview

    with _placing_problems(plan):
        return engine_preview(plan)


def audit(plan: "Plan") -> "Audit":
    """What is found in the rows of a plan: labels, lengths, duplicates, contradictions, leaks.

    Raises:
        RecipeError: for what only the data can tell, placed in the recipe.
        DataError: when rows can't be read.
    """
    from mtlkit.engine.audit import audit as engine_audit

    with _placing_problems(plan):
        return engine_audit(plan)


def run(
    plan: "Plan",
    out: str | Path = "runs",
    *,
    console: bool = False,
    on_event: Callable[["Event"], None] | None = None,
) -> "Result":
    """Run a plan and return its result; the run directory goes below `out`.

    Raises:
        RecipeError: as `preview`; nothing is written then.
        TrainingError: when a loss is not finite or something frozen moved.
    """
    prepared = preview(plan)
    return run_prepared(prepared, out, console=console, on_event=on_event)


def run_prepared(
    prepared: "Preview",
    out: str | Path = "runs",
    *,
    console: bool = False,
    on_event: Callable[["Event"], None] | None = None,
    stop: "Stop | None" = None,
) -> "Result":
    """Run a plan whose timeline is laid out already; as `run`. `stop` ends it early, saved.

    Raises:
        StoppedError: when `stop` was asked.
    """
    from mtlkit.course import Audience, begin

    with _placing_problems(prepared.plan):
        run_dir, told = begin(prepared, Path(out), Audience(console, on_event, stop))
    return told.result(run_dir, lambda: open_run(run_dir))


def resume(
    run_dir: str | Path,
    overrides: Sequence[str] = (),
    plugin_files: Sequence[str | Path] = (),
    *,
    leave: "Leave | None" = None,
    console: bool = False,
    on_event: Callable[["Event"], None] | None = None,
    stop: "Stop | None" = None,
) -> "Result":
    """Go on with a run that did not reach its end, from its newest whole checkpoint.

    It ends with the bytes of a run that never stopped; `leave` says what may differ from it nevertheless.

    Raises:
        ResourceError: when it is not the directory of a run, all checkpoints are damaged, or versions,
            machine or data are others.
        RecipeError: for changes of the recipe that have no leave.
        BusyError: when another process is at work on the run.
        StoppedError: when `stop` was asked.
    """
    from mtlkit.course import Audience
    from mtlkit.outputs.event_log import collected, has_ended
    from mtlkit.outputs.run_directory import RECIPE
    from mtlkit.outputs.run_lock import check_no_links, locked

    run_dir = Path(run_dir)
    _check_run(run_dir)
    if has_ended(run_dir) and not overrides:
        _check_leave(run_dir, leave)
        return collected(run_dir).result(run_dir, lambda: open_run(run_dir))
    check_no_links(run_dir)
    with locked(run_dir):
        pass  # another process at work is told before data and weights are read
    prepared = preview(plan(load(run_dir / RECIPE, overrides, plugin_files)))
    return resume_prepared(prepared, run_dir, Audience(console, on_event, stop), leave)


def resume_prepared(
    prepared: "Preview", run_dir: Path, audience: "Audience", leave: "Leave | None" = None
) -> "Result":
    """Go on with a run under a plan whose timeline is laid out already; as `resume`."""
    from mtlkit.course import go_on
    from mtlkit.plan.changes import Leave

    with _placing_problems(prepared.plan):
        told = go_on(prepared, run_dir, audience, leave or Leave())
    return told.result(run_dir, lambda: open_run(run_dir))


def open_run(folder: str | Path, checkpoint: str = "best", plugin_files: Sequence[str | Path] = ()) -> "Run":
    """Open the directory of a run, to predict and to evaluate; its training data need not be there.

    `checkpoint` is "best", "last", a number of steps, or a task whose best evaluation the run kept.

    Raises:
        ResourceError: when it is not the directory of a run, or something of it is missing or damaged.
        UsageError: when `checkpoint` names none.
    """
    from mtlkit.engine.opened import checkpoint_of
    from mtlkit.engine.opened import open_run as open_model

    folder = Path(folder)
    plan = stored_plan(folder, plugin_files)
    with _placing_problems(plan):
        return open_model(plan, folder, checkpoint_of(folder, checkpoint))


def export_run(
    folder: str | Path,
    out: str | Path | None = None,
    tasks: Sequence[str] = (),
    *,
    checkpoint: str = "best",
    replace: bool = False,
    plugin_files: Sequence[str | Path] = (),
) -> "Exported":
    """Write the model of a run as folders that other libraries load, by default to `model/` in its directory.

    Every folder is loaded back and compared with the trained model before it counts as written. `tasks` are
    by default all; `replace` allows an existing folder to be replaced.

    Raises:
        UsageError: when there is no such task or checkpoint, or the folder exists.
        ResourceError: when it is not the directory of a run, or its backbone has no form for other libraries.
        TrainingError: when what was written, loaded back, is not what was trained.
    """
    from mtlkit.catalog.options import dump_options
    from mtlkit.engine.probing import TEXTS, probe, states
    from mtlkit.outputs.export.values import TaskModel, TrainedModel
    from mtlkit.outputs.export.writing import export
    from mtlkit.outputs.final_metrics import final_metrics

    opened = open_run(folder, checkpoint, plugin_files)
    models = []
    for name in opened.chosen(tasks):
        part, head, probed = opened.plan.task(name).head, opened.built.heads[name], probe(opened, name)
        labels = getattr(part.options, "labels", ()) or opened.facts[name].labels
        written = dump_options(part.options)
        models.append(
            TaskModel(name, part.name, written, labels, head.views, head, probed.rows, probed.scores)
        )
    trained = TrainedModel(
        name=opened.plan.name,
        backbone=opened.built.backbone,
        texts=TEXTS,
        states=tuple(states(opened)),
        tasks=tuple(models),
        recipe=opened.plan.recipe,
        checkpoint=opened.checkpoint.name,
        metrics=final_metrics(Path(folder)),
    )
    return export(trained, Path(out) if out is not None else Path(folder) / "model", replace=replace)


def stored_plan(folder: Path, plugin_files: Sequence[str | Path] = ()) -> "Plan":
    """The plan of a run, from its directory; nothing is looked for that its data sources name.

    Raises:
        ResourceError: when it is not the directory of a run.
        RecipeError: when its recipe does not fit the installed plugins.
    """
    from mtlkit.catalog.discover import open_catalog
    from mtlkit.outputs.run_directory import RECIPE
    from mtlkit.plan.resolve import resolve
    from mtlkit.recipe.document import read

    _check_run(folder)
    document = read(folder / RECIPE)
    return resolve(document, open_catalog([Path(file) for file in plugin_files]), data=False)


def _check_run(folder: Path) -> None:
    from mtlkit.outputs.run_directory import RECIPE

    if not (folder / RECIPE).is_file():
        raise ResourceError(
            f"{str(folder)!r} is no directory of a run: it has no {RECIPE}",
            "name one, as `mtlkit run` prints it: runs/NAME/ID",
        )


def _check_files(catalog: "Catalog", files: Sequence[str | Path]) -> None:
    named = {str(Path(file)) for file in files}
    if failed := [each for each in catalog.failures if each.module in named]:
        raise PluginError([Problem(str(each), "mend the file, or leave out --plugin") for each in failed])


def _check_leave(run_dir: Path, leave: "Leave | None") -> None:
    """Refuse leave to change what the recipe of a run does not have, though nothing changes."""
    from mtlkit.outputs.run_directory import RECIPE
    from mtlkit.plan.changes import unknown
    from mtlkit.recipe.document import read

    if leave is not None and leave.keys:
        recipe = read(run_dir / RECIPE).data
        if misspelt := unknown(leave.keys, recipe, recipe):
            raise RecipeError(misspelt)


@contextmanager
def _placing_problems(plan: "Plan") -> Iterator[None]:
    """Give problems that know their path in the recipe its file, line and column; tell of what is refused."""
    try:
        with refusals(), _blaming_plugins(plan):
            yield
    except MtlkitError as error:
        if not any(problem.path and not problem.file for problem in error.problems):
            raise
        raise type(error)([_placed(problem, plan) for problem in error.problems]) from error


@contextmanager
def _blaming_plugins(plan: "Plan") -> Iterator[None]:
    """Turn what comes out of a plugin of strangers into an error that names it."""
    try:
        yield
    except (Exception, SystemExit, KeyboardInterrupt) as error:
        from mtlkit.culprit import blamed

        told = blamed(error, plan.parts)
        if told is None:
            raise
        raise told from error


def _placed(problem: Problem, plan: "Plan") -> Problem:
    if not problem.path or problem.file:
        return problem
    file, line, column = plan.document.position(tuple(problem.path.split(".")), "value")
    return evolve(problem, file=file, line=line, column=column)
