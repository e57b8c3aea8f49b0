"""Recipe × Catalog → Plan: every name becomes a part, every option is checked, nothing runs.

Everything that can be known without torch is reported at once.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pydantic

from mtlkit.catalog.catalog import Catalog, Entry
from mtlkit.catalog.options import make_options, options_class, options_model
from mtlkit.contracts.card import PluginKind
from mtlkit.errors import MtlkitError, Problem, RecipeError
from mtlkit.plan.asked_rows import row_spec
from mtlkit.plan.checks import check_parts
from mtlkit.plan.model import DataPlan, GuardsPlan, Part, Plan, SelectionPlan, TaskPlan, TrainingPlan
from mtlkit.plan.resolved import resolved_recipe
from mtlkit.recipe.check import in_order, shape
from mtlkit.recipe.document import Document, KeyPath
from mtlkit.recipe.model import DataTable, LrTable, Recipe, SelectionTable, TaskTable
from mtlkit.recipe.problems import from_validation_error, problem_at

DATA_KEYS = frozenset(DataTable.model_fields) - {"use"}
LR_KEYS = frozenset(LrTable.model_fields) - {"use"}
ALWAYS_ON = ("jsonl", "tensorboard", "console")
LISTED: tuple[PluginKind, ...] = ("freeze", "regularizer")
SINGLE: tuple[PluginKind, ...] = ("backbone", "lr", "optimizer", "sampler", "balancer")


def examine(
    document: Document, catalog: Catalog, *, data: bool = True
) -> tuple[Recipe, Mapping[KeyPath, Part]]:
    """The recipe and the part at every place of it that chooses a plugin.

    Without `data`, nothing that its sources name is looked for.

    Raises:
        RecipeError: with everything wrong that can be known without torch, in the order of the file.
    """
    recipe, found = shape(document)
    parts, of_parts = _parts(document, catalog)
    found += of_parts
    if recipe is not None and not found:
        found += check_parts(document, recipe, parts, data=data)
    if recipe is None or found:
        raise RecipeError(in_order(found, document))
    return recipe, parts


def resolve(document: Document, catalog: Catalog, *, data: bool = True) -> Plan:
    """The plan of a recipe; `data` and errors as in `examine`."""
    recipe, parts = examine(document, catalog, data=data)
    training = recipe.training
    return Plan(
        name=recipe.name,
        seed=recipe.seed,
        backbone=parts["backbone",],
        data=tuple(
            DataPlan(name, parts["data", name], row_spec(table)) for name, table in recipe.data.items()
        ),
        tasks=tuple(_task(name, table, parts) for name, table in recipe.tasks.items()),
        freeze=tuple(parts["freeze", number] for number in range(len(recipe.freeze))),
        regularizers=tuple(parts["regularizer", number] for number in range(len(recipe.regularizer))),
        lr=parts["lr",],
        curve=parts["lr", "curve"],
        curves={selector: parts["lr", "curves", selector] for selector in recipe.lr.curves},
        optimizer=parts["optimizer",],
        sampler=parts["sampler",],
        balancer=parts["balancer",],
        trackers=tuple(part for path, part in parts.items() if path[:2] == ("logging", "trackers")),
        training=TrainingPlan(
            length=training.length,
            batch_size=training.batch_size,
            accumulate=training.accumulate,
            precision=training.precision,
            grad_clip=training.grad_clip,
            evaluate_every=training.evaluate_every,
            checkpoint_every=training.checkpoint_every,
            keep=training.keep,
            on_nonfinite=training.on_nonfinite,
            store_bytes=training.store.max_bytes,
            batching=training.batching,
            max_tokens=training.max_tokens,
            compile=training.compile,
        ),
        selection=_selection(recipe.selection) if recipe.selection else None,
        guards=GuardsPlan(recipe.guards.frozen_head, recipe.guards.tolerance, recipe.guards.refit),
        log_every=recipe.logging.every,
        recipe=resolved_recipe(recipe, parts),
        document=document,
    )


def _task(name: str, table: TaskTable, parts: Mapping[KeyPath, Part]) -> TaskPlan:
    return TaskPlan(
        name=name,
        head=parts["tasks", name, "head"],
        data=table.data,
        weight=table.weight,
        backbone_grad=table.backbone_grad.scale,
        backbone_grad_curve=parts["tasks", name, "backbone_grad", "curve"],
        batch_size=table.batch_size,
        limit=table.limit,
    )


def _selection(table: SelectionTable) -> SelectionPlan:
    return SelectionPlan(
        weights={table.metric: 1.0} if table.metric else dict(table.metrics),
        mode=table.mode,
        relative=table.relative,
        patience=table.patience,
        min_delta=table.min_delta,
        each_task=table.each_task,
    )


def _parts(document: Document, catalog: Catalog) -> tuple[dict[KeyPath, Part], list[Problem]]:
    """The part at every place of the recipe that chooses a plugin, and the problems on the way."""
    parts: dict[KeyPath, Part] = {}
    found: list[Problem] = []
    single = {kind for kind in LISTED if isinstance(document.data.get(kind), dict)}
    for kind, path, table in _places(document.data):
        # one [freeze] table stands for a list of one, but is written without a number
        place = path[:1] if kind in single else path
        name = table.get("use")
        if not isinstance(name, str):
            continue  # the shape of the recipe reports it
        try:
            parts[path] = _part(kind, name, table, place, document, catalog)
        except RecipeError as error:
            found += _placed(error.problems, document, (*place, "use"))
        except _BadOptions as bad:
            found += bad.problems
        except MtlkitError as error:
            found += _placed(error.problems, document, (*place, "use"))
    return parts, found


class _BadOptions(Exception):  # noqa: N818  not an error of its own: a list on its way up
    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)


def _part(
    kind: PluginKind,
    name: str,
    table: Mapping[str, Any],
    path: KeyPath,
    document: Document,
    catalog: Catalog,
) -> Part:
    entry: Entry = catalog.find(kind, name)
    reserved = {"use"} | (DATA_KEYS if kind == "data" else LR_KEYS if kind == "lr" else set())
    options = {key: value for key, value in table.items() if key not in reserved}
    try:
        made = make_options(entry, options, document.folder(path), document.folders(path), catalog)
    except pydantic.ValidationError as error:
        model = options_model(options_class(entry))
        raise _BadOptions(from_validation_error(error, document, path, model)) from error
    card = entry.card
    return Part(kind, card.name, made, card.build, entry.distribution, entry.version, card.install)


def _places(data: Mapping[str, Any]) -> Iterable[tuple[PluginKind, KeyPath, Mapping[str, Any]]]:
    """Kind, path and table of every plugin choice, defaults included."""
    defaults = Recipe.model_fields
    for kind in SINGLE:
        table = data.get(kind, {} if defaults[kind].is_required() else {"use": defaults[kind].default.use})
        if isinstance(table, dict):
            yield kind, (kind,), table
            if kind == "lr":
                yield from _curve(table.get("curve", "constant"), ("lr", "curve"))
                curves = table.get("curves")
                for selector, curve in curves.items() if isinstance(curves, dict) else ():
                    yield from _curve(curve, ("lr", "curves", selector))
    for kind, default in zip(LISTED, ([{"use": "none"}], []), strict=True):
        listed = data.get(kind, default)
        for number, table in enumerate(listed if isinstance(listed, list) else [listed]):
            if isinstance(table, dict):
                yield kind, (kind, number), table
    yield from (("data", ("data", name), table) for name, table in _tables(data, "data"))
    for name, task in _tables(data, "tasks"):
        if isinstance(head := task.get("head"), dict):
            yield "head", ("tasks", name, "head"), head
        gate = task.get("backbone_grad")
        curve = gate.get("curve", "constant") if isinstance(gate, dict) else "constant"
        yield from _curve(curve, ("tasks", name, "backbone_grad", "curve"))
    trackers = {**{name: {} for name in ALWAYS_ON}, **dict(_tables(data.get("logging", {}), "trackers"))}
    for name, table in trackers.items():
        yield "tracker", ("logging", "trackers", name), {"use": name, **table}


def _curve(curve: object, path: KeyPath) -> Iterable[tuple[PluginKind, KeyPath, Mapping[str, Any]]]:
    """A curve, by its name or as a table."""
    curve = {"use": curve} if isinstance(curve, str) else curve
    if isinstance(curve, dict):
        yield "curve", path, curve


def _tables(data: object, key: str) -> list[tuple[str, dict[str, Any]]]:
    tables = data.get(key) if isinstance(data, dict) else None
    pairs = tables.items() if isinstance(tables, dict) else ()
    return [(name, table) for name, table in pairs if isinstance(table, dict)]


def _placed(found: Sequence[Problem], document: Document, path: KeyPath) -> list[Problem]:
    return [problem_at(document, path, each.message, each.suggestion) for each in found]
