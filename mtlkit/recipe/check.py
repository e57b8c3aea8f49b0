"""The shape of a recipe: everything that can be said without knowing any plugin, all at once."""

from collections.abc import Iterator
from typing import Any

import pydantic
from attrs import evolve
from pydantic_core import to_json

from mtlkit.errors import Problem
from mtlkit.recipe.document import Document, KeyPath
from mtlkit.recipe.model import Recipe
from mtlkit.recipe.problems import MAX_PROBLEMS, closest, from_validation_error, problem_at


def shape(document: Document) -> tuple[Recipe | None, list[Problem]]:
    """The recipe, or None and every problem with it in the order of the file."""
    recipe, problems = None, []
    try:
        recipe = Recipe.model_validate_json(to_json(document.data), strict=True)
    except pydantic.ValidationError as error:
        problems = from_validation_error(error, document, (), Recipe)
    problems += _cross_checks(document)
    return (None if problems else recipe), in_order(problems, document)


def in_order(problems: list[Problem], document: Document) -> list[Problem]:
    """By place, the recipe's own file first; the same thing only once, and not endlessly many."""

    def place(problem: Problem) -> tuple[bool, str, int, int, str]:
        main = problem.file == str(document.file)
        return not main, problem.file, problem.line, problem.column, problem.path

    ordered = list(dict.fromkeys(sorted(problems, key=place)))
    if len(ordered) > MAX_PROBLEMS:
        last = evolve(ordered[MAX_PROBLEMS], message="more problems follow", suggestion="solve these first")
        ordered = [*ordered[:MAX_PROBLEMS], last]
    return ordered


def _cross_checks(document: Document) -> list[Problem]:
    data = document.data
    sources, tasks = _tables(data.get("data")), _tables(data.get("tasks"))
    problems: list[Problem] = []

    def wrong(path: KeyPath, message: str, suggestion: str, *, key: bool = False) -> None:
        problems.append(problem_at(document, path, message, suggestion, key=key))

    if data.get("tasks") == {}:
        wrong(("tasks",), "there is no task", "add [tasks.NAME]", key=True)
    if "backbone" in tasks:
        wrong(("tasks", "backbone"), "a task can't be called 'backbone'", "give it another name", key=True)
    for name, task in list(tasks.items())[:MAX_PROBLEMS]:
        wanted = task.get("data")
        if isinstance(wanted, str) and wanted not in sources:
            wrong(("tasks", name, "data"), f"there is no [data.{wanted}]", closest(wanted, sources))
    metric = _tables(data).get("selection", {}).get("metric")
    if isinstance(metric, str) and metric.count("/") == 1 and metric.partition("/")[0] not in tasks:
        unknown = metric.partition("/")[0]
        wrong(("selection", "metric"), f"there is no task {unknown!r}", closest(unknown, tasks))
    for name, source in list(sources.items())[:MAX_PROBLEMS]:
        if isinstance(split := source.get("split"), dict):
            for key, message, suggestion in _split_problems(split):
                wrong(("data", name, "split", *key), message, suggestion)
        for key, message, suggestion in _row_problems(source):
            wrong(("data", name, *key), message, suggestion)
    return problems


def _row_problems(source: dict[str, Any]) -> Iterator[tuple[tuple[str, ...], str, str]]:
    """What can't be meant in the keys that say which rows there are."""
    for column, asked in _tables(source.get("where")).items():
        least, most = asked.get("min"), asked.get("max")
        if isinstance(least, int | float) and isinstance(most, int | float) and least > most:
            yield ("where", column), f"no number is at least {least} and at most {most}", "exchange them"
        elif asked == {}:
            yield ("where", column), "the condition is empty", "write min, max, without or missing"
    fold = source.get("fold")
    if not isinstance(fold, dict):
        return
    if type(fold.get("k")) is int and type(fold.get("of")) is int and fold["k"] > fold["of"] >= 2:
        yield ("fold", "k"), f"there is no fold {fold['k']} of {fold['of']}", "folds are counted from 1"
    split = source.get("split")
    if isinstance(split, dict) and split.get("test"):
        yield ("split", "test"), "fold says already which rows are for testing", "remove test or fold"
    if isinstance(split, dict) and split.get("column"):
        yield ("split", "column"), "fold divides the rows already", "remove column or fold"


def _split_problems(split: dict[str, Any]) -> Iterator[tuple[tuple[str, ...], str, str]]:
    shares = {key: split[key] for key in ("validation", "test") if key in split}
    if "column" in split:
        for key, value in shares.items():
            if isinstance(value, int | float) and value and not isinstance(value, bool):
                yield (
                    (key,),
                    f"{value} is a share, but the column says the split",
                    "write a value of the column",
                )
        return
    for part in ("train", *shares):
        if isinstance(split.get(part), str):
            yield (part,), f"{split[part]!r} is a value of which column?", 'add column = "…"'
    numbers = {key: value for key, value in shares.items() if type(value) in (int, float)}
    for name, share in numbers.items():
        if not 0 <= share < 1:
            yield (name,), f"{share} is not a share", "write a number of at least 0 and below 1"
            return
    if sum(numbers.values()) >= 1:
        yield (), "validation and test leave no row to train on", "together they must be below 1"


def _tables(value: object) -> dict[str, dict[str, Any]]:
    if not isinstance(value, dict):
        return {}
    return {key: inner for key, inner in value.items() if isinstance(inner, dict)}
