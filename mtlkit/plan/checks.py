"""Checks that need more than one part of a plan: columns, labels, tasks, selectors, empty phases."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from mtlkit.contracts.card import load_address
from mtlkit.contracts.columns import column_problems, our_columns
from mtlkit.contracts.freeze import made_of
from mtlkit.contracts.params import ParamTable
from mtlkit.contracts.place import Place
from mtlkit.contracts.selectors import parse
from mtlkit.errors import MtlkitError, Problem, RecipeError
from mtlkit.plan.asked_rows import row_spec
from mtlkit.plan.matching import matched, where
from mtlkit.plan.model import Part, Plan
from mtlkit.plan.selection import lower_is_better
from mtlkit.recipe.document import Document, KeyPath
from mtlkit.recipe.model import Recipe
from mtlkit.recipe.problems import closest, problem_at

if TYPE_CHECKING:
    from mtlkit.plan.timeline import Phase


def check_parts(
    document: Document, recipe: Recipe, parts: Mapping[KeyPath, Part], *, data: bool = True
) -> list[Problem]:
    """Problems between parts that show without torch and without reading whole files.

    Without `data`, nothing is looked for that its sources name.
    """
    found: list[Problem] = []
    for path, part in parts.items():
        if data or part.kind != "data":
            found += [_at(document, path, each) for each in _missing_places(part)]
    found += _unknown_tasks(document, recipe, parts)
    found += _batch_sizes(document, recipe)
    found += _selection_problems(document, recipe)
    found += _empty_refit(document, recipe)
    if not found:
        for name in recipe.data if data else ():
            found += _column_problems(document, recipe, parts, name)
        found += _label_problems(document, recipe, parts)
        found += _metric_problems(document, recipe, parts)
    if recipe.training.length.unit == "%":
        message = "a run can't be a share of itself"
        found.append(problem_at(document, ("training", "length"), message, 'write "3ep" or "500st"'))
    return found


def check_table(plan: Plan, table: ParamTable) -> None:
    """Check every selector against the weights of the model.

    Raises:
        RecipeError: when a selector matches no weight; suggests the nearest names.
    """
    found = [
        problem_at(
            plan.document,
            each.path,
            f"the selector {each.text!r} matches no weight",
            _nearest(each.text, table),
            key=each.is_key,
        )
        for each in matched(plan, table)
        if not each.weights
    ]
    if found:
        raise RecipeError(found)


def check_trains(plan: Plan, phases: "Sequence[Phase]") -> None:
    """Check that something trains in every phase.

    Raises:
        RecipeError: when a phase trains nothing and no policy is meant to.
    """
    if any(each.trains_nothing for part in plan.freeze for each in made_of(part.options)):
        return
    empty = [phase for phase in phases if not phase.trainable]
    if empty:
        steps = ", ".join(f"{phase.start}–{phase.end - 1}" for phase in empty)
        raise RecipeError(
            problem_at(
                plan.document,
                ("freeze",),
                f"nothing trains in steps {steps}: the policies leave no weight",
                'drop one of them, or say so with use = "all"',
                key=True,
            )
        )


def _missing_places(part: Part) -> Iterator[tuple[str, str, str]]:
    """Option, message and suggestion of every file or folder among the options that is not there."""
    for name, place in _places(part):
        if not _may_be_remote(part, place):
            try:
                place.existing()
            except MtlkitError as error:
                yield name, error.problems[0].message, error.problems[0].suggestion


def _places(part: Part) -> Iterator[tuple[str, Place]]:
    """Option name and place of everything among the options that lies on disk."""
    for name in getattr(type(part.options), "__annotations__", {}):
        value = getattr(part.options, name, None)
        for place in value.values() if isinstance(value, Mapping) else [value]:
            if isinstance(place, Place):
                yield name, place


def _may_be_remote(part: Part, place: Place) -> bool:
    """A backbone may name a model of the hub, `owner/name` or `name`, which is no path."""
    looks_like_path = place.address.startswith(("package:", ".", "/", "~"))
    return part.kind == "backbone" and not looks_like_path


def _at(document: Document, path: KeyPath, found: tuple[str, str, str]) -> Problem:
    option, message, suggestion = found
    return problem_at(document, (*path, option), message, suggestion)


def _unknown_tasks(document: Document, recipe: Recipe, parts: Mapping[KeyPath, Part]) -> list[Problem]:
    found = []
    for path, part in parts.items():
        if part.kind not in ("freeze", "lr", "balancer", "optimizer") or not hasattr(part.options, "tasks"):
            continue
        for task in part.options.tasks():
            if task not in recipe.tasks:
                place = where(document.data, path, task)
                found.append(
                    problem_at(document, place, f"there is no task {task!r}", closest(task, recipe.tasks))
                )
    for text in recipe.lr.curves:
        for task in parse(text).tasks:
            if task not in recipe.tasks:
                message, place = f"there is no task {task!r}", ("lr", "curves", text)
                found.append(problem_at(document, place, message, closest(task, recipe.tasks), key=True))
    return found


def _empty_refit(document: Document, recipe: Recipe) -> list[Problem]:
    if recipe.guards.refit.amount:
        return []
    message = f"refit is '{recipe.guards.refit}'; heads must be fitted again for longer than nothing"
    return [problem_at(document, ("guards", "refit"), message, 'write such as "1ep"')]


def _batch_sizes(document: Document, recipe: Recipe) -> list[Problem]:
    """Tasks that read the same rows, which come in one batch, and ask for different sizes of it."""
    found = []
    asked: dict[str, tuple[str, int]] = {}
    for name, table in recipe.tasks.items():
        if table.batch_size is None:
            continue
        other, size = asked.setdefault(table.data, (name, table.batch_size))
        if size != table.batch_size:
            sizes = f"{size} and {table.batch_size}"
            message = f"tasks {other!r} and {name!r} read the same rows, in batches of {sizes}"
            path: KeyPath = ("tasks", name, "batch_size")
            found.append(
                problem_at(document, path, message, f"write {size} for both, or for one of them alone")
            )
    return found


def _selection_problems(document: Document, recipe: Recipe) -> Iterator[Problem]:
    """What a selection says that does not go together."""
    told = recipe.selection
    if told is None:
        return
    at: KeyPath = ("selection",)
    if told.metric is None and not told.metrics:
        advice = 'write metric = "TASK/METRIC", or metrics = { "TASK/METRIC" = WEIGHT, ... }'
        yield problem_at(document, at, "the selection names no metric", advice, key=True)
    if told.metric is not None and told.metrics:
        yield problem_at(document, (*at, "metrics"), "there are metric and metrics", "keep one of them")
    for name in (name for name, weight in told.metrics.items() if not weight):
        yield problem_at(
            document, (*at, "metrics", name), "a weight of 0 selects nothing", "leave the metric out"
        )
    if told.patience is not None and recipe.training.evaluate_every is None:
        message = (
            "patience counts evaluations, and with training.evaluate_every = false there is only the last"
        )
        yield problem_at(document, (*at, "patience"), message, 'write evaluate_every = "1ep"')
    if told.min_delta and told.patience is None:
        message = "min_delta says what patience calls better, and there is no patience"
        yield problem_at(document, (*at, "min_delta"), message, "add patience, or leave it out")


def _column_problems(
    document: Document, recipe: Recipe, parts: Mapping[KeyPath, Part], name: str
) -> list[Problem]:
    """Columns that the data table or the heads name and the source does not have."""
    part, spec = parts["data", name], row_spec(recipe.data[name])
    if part.build is None or not any(_places(part)):
        return []  # a source that is not on disk may need the network to know its columns
    try:
        columns = tuple(load_address(part.build)(part.options).columns())
    except MtlkitError as error:
        return [
            problem_at(document, ("data", name), each.message, each.suggestion) for each in error.problems
        ]
    except (Exception, SystemExit) as error:  # noqa: BLE001  a source is foreign: its failure is its own
        message = f"data source {part.name!r} of {part.distribution} failed: {type(error).__name__}: {error}"
        return [problem_at(document, ("data", name), message, part.install)]
    found = [
        problem_at(document, _split(each.path), each.message, each.suggestion)
        for each in column_problems(columns, spec, name)
    ]
    ours = our_columns(columns, spec)
    for task, table in recipe.tasks.items():
        head = parts["tasks", task, "head"]
        if table.data == name and hasattr(head.options, "columns"):
            for option, column in head.options.columns().items():
                if column not in ours:
                    places = (int(part) if part.isdigit() else part for part in option.split("."))
                    path: KeyPath = ("tasks", task, "head", *places)
                    message = f"data {name!r} has no column {column!r}"
                    found.append(problem_at(document, path, message, closest(column, ours)))
    return found


def _metric_problems(document: Document, recipe: Recipe, parts: Mapping[KeyPath, Part]) -> list[Problem]:
    """Metrics that the selection, a curve or a policy goes by, of heads that say what they measure."""
    found = []
    for path, name in _directions(recipe, parts):
        message = f"of {name} lower is better, and the selection takes the higher"
        advice = (
            'write mode = "min"'
            if recipe.selection and recipe.selection.metric
            else "give it a negative weight"
        )
        found.append(problem_at(document, path, message, advice))
    for path, name in _watched(document, recipe, parts):
        task, _, metric = name.partition("/")
        if task not in recipe.tasks:
            message, near = f"there is no task {task!r}", closest(task, recipe.tasks)
        else:
            options = parts["tasks", task, "head"].options
            known = options.metrics() if hasattr(options, "metrics") else (metric,)
            if metric in known:
                continue
            message, near = f"task {task!r} measures no {metric!r}", closest(metric, known)
        found.append(problem_at(document, path, message, near))
    return found


def _directions(recipe: Recipe, parts: Mapping[KeyPath, Part]) -> Iterator[tuple[KeyPath, str]]:
    """The metrics of which the selection takes the higher though lower is better, with their places."""
    told = recipe.selection
    if told is None:
        return
    for name, weight in ({told.metric: 1.0} if told.metric else told.metrics).items():
        task, _, metric = name.partition("/")
        options = parts["tasks", task, "head"].options if task in recipe.tasks else None
        if (weight > 0) == (told.mode == "max") and lower_is_better(metric, options):
            yield ("selection", "metric") if told.metric else ("selection", "metrics", name), name


def _watched(
    document: Document, recipe: Recipe, parts: Mapping[KeyPath, Part]
) -> Iterator[tuple[KeyPath, str]]:
    """The metrics that something goes by, with their places."""
    if recipe.selection is not None and recipe.selection.metric is not None:
        yield ("selection", "metric"), recipe.selection.metric
    if recipe.selection is not None:
        yield from ((("selection", "metrics", name), name) for name in recipe.selection.metrics)
    for path, part in parts.items():
        if part.kind in ("curve", "freeze") and hasattr(part.options, "metrics"):
            yield from ((where(document.data, path, name), name) for name in part.options.metrics())


def _label_problems(document: Document, recipe: Recipe, parts: Mapping[KeyPath, Part]) -> list[Problem]:
    """Labels that a data table maps to and a head that lists its labels does not have."""
    found = []
    for task, table in recipe.tasks.items():
        options = parts["tasks", task, "head"].options
        labels = getattr(options, "labels", ())
        mapping = recipe.data[table.data].labels.get(getattr(options, "label", ""), {})
        for value, label in mapping.items() if labels else ():
            if label not in labels and label not in getattr(options, "ignore", ()):
                path: KeyPath = ("data", table.data, "labels", options.label, value)
                message = f"task {task!r} has no label {label!r}"
                found.append(problem_at(document, path, message, closest(label, labels)))
    return found


def _nearest(text: str, table: ParamTable) -> str:
    """What the selector may have meant: a block that exists, a task with weights, a glob that matches."""
    if "blocks[" in text:
        return f"the backbone has {table.depth} blocks, numbered from 0 to {table.depth - 1}"
    if text.startswith("head."):
        return f"tasks whose heads have weights: {', '.join(table.tasks) or 'none'}"
    if text.endswith(".*"):
        parts = [name.split(".") for name in table.names]
        return closest(
            text, sorted({".".join([*names[:at], "*"]) for names in parts for at in range(1, len(names))})
        )
    return closest(text, table.names)


def _split(path: str) -> KeyPath:
    return tuple(path.split("."))
