"""The labels of a task: those in its data, held against those its head lists."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from mtlkit.contracts.data import Record, Value
from mtlkit.engine.rows import Rows
from mtlkit.errors import Problem, RecipeError
from mtlkit.plan.model import Plan


def training_labels(column: str | None, rows: Rows) -> tuple[str, ...]:
    """Distinct values of the label column over the training rows, as text and sorted."""
    if column is None:
        return ()
    return tuple(sorted({label for record in rows.each("train") for label in _labels(record, column)}))


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
        rows = data[task.data]
        found = {
            label for split in rows.splits for record in rows.each(split) for label in _labels(record, column)
        }
        for label in sorted(found - {*listed, *getattr(task.head.options, "ignore", ())}):
            close = get_close_matches(label, listed, n=1)
            suggestion = (
                f"did you mean {label!r} where the recipe says {close[0]!r}?" if close else f"add {label!r}"
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


def _labels(record: Record, column: str) -> Iterator[str]:
    yield from _leaves(record.get(column))


def _leaves(value: Value) -> Iterator[str]:
    """The labels of a cell: of a list those of its elements, which may be lists too."""
    if isinstance(value, list | tuple):
        for each in value:
            yield from _leaves(each)
    elif value is not None and value != "":
        yield str(value)
