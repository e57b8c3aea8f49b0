"""The labels of a task: those in its data, held against those its head lists."""

from collections.abc import Iterator, Mapping
from typing import Any

from mtlkit.contracts.data import Record, Value
from mtlkit.contracts.nearest import nearest
from mtlkit.engine.rows import Rows
from mtlkit.errors import Problem, RecipeError
from mtlkit.plan.model import Plan


def training_labels(options: Any, rows: Rows) -> tuple[str, ...]:  # noqa: ANN401  any head's options
    """Distinct values over the training rows of the column that `label` names, as text and sorted.

    `separator` is what stands between several labels of a text, for heads that have it.
    """
    column, separator = getattr(options, "label", None), getattr(options, "separator", "")
    if column is None:
        return ()
    records = rows.each("train")
    return tuple(sorted({label for record in records for label in _labels(record, column, separator)}))


def check_labels(plan: Plan, data: Mapping[str, Rows]) -> None:
    """Check that every label in the data is one that its head lists, where it lists any.

    Raises:
        RecipeError: naming each unknown label once, with the nearest listed one.
    """
    problems = []
    for task in plan.tasks:
        listed = getattr(task.head.options, "labels", ())
        column = getattr(task.head.options, "label", None)
        if not listed or column is None:
            continue
        rows, separator = data[task.data], getattr(task.head.options, "separator", "")
        found = {
            label
            for split in rows.splits
            for record in rows.each(split)
            for label in _labels(record, column, separator)
        }
        for label in sorted(found - {*listed, *getattr(task.head.options, "ignore", ())}):
            close = nearest(label, listed)
            suggestion = (
                f"did you mean {label!r} where the recipe says {close!r}?" if close else f"add {label!r}"
            )
            problems.append(
                Problem(
                    f"data {task.data!r} has the label {label!r}, which is not listed",
                    suggestion,
                    f"tasks.{task.name}.head.labels",
                )
            )
    if problems:
        raise RecipeError(problems)


def _labels(record: Record, column: str, separator: str) -> Iterator[str]:
    value = record.get(column)
    yield from _leaves(value.split(separator) if separator and isinstance(value, str) else value)


def _leaves(value: Value) -> Iterator[str]:
    """The labels of a cell: of a list those of its elements, which may be lists too."""
    if isinstance(value, list | tuple):
        for each in value:
            yield from _leaves(each)
    elif value is not None and value != "":
        yield str(value)
