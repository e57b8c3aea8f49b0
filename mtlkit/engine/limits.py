"""A limit on how many labelled rows a task learns from: the labels of all others count as missing."""

from collections.abc import Iterable, Mapping, Sequence

from attrs import frozen

from mtlkit.contracts.data import Record
from mtlkit.contracts.head import Head
from mtlkit.engine.content import content_hash, identity_of, is_missing
from mtlkit.engine.rows import Rows
from mtlkit.errors import Problem, RecipeError
from mtlkit.plan.model import TaskPlan


@frozen
class Limit:
    """The positions of the training rows that count, and the columns that are empty in all others."""

    counted: frozenset[int]
    columns: tuple[str, ...]

    def applied(self, records: Sequence[Record], positions: Iterable[int]) -> list[Record]:
        """Training rows as the task's head sees them, for its labels."""
        empty = dict.fromkeys(self.columns)
        return [
            record if position in self.counted else {**record, **empty}
            for record, position in zip(records, positions, strict=True)
        ]


def limit_of(task: TaskPlan, head: Head, rows: Rows) -> Limit | None:
    """The limit of a task over its training rows, None where the recipe sets none.

    Of the rows with a label those with the lowest content hash count: the same ones for every task of the
    source and every seed, and a larger limit keeps those of a smaller one.

    Raises:
        RecipeError: when the head learns from all rows, whatever their labels.
    """
    if task.limit is None:
        return None
    columns = _label_columns(task, head)
    if not columns:
        message = f"task {task.name!r} learns from every row, labelled or not"
        advice = f"limit the rows themselves: [data.{task.data}] limit = {{ train = {task.limit} }}"
        raise RecipeError(Problem(message, advice, f"tasks.{task.name}.limit"))
    identity = identity_of(rows.source)
    ranked = sorted(
        (content_hash(record, identity, salt=rows.spec.split.salt, use="limit"), position)
        for position, record in enumerate(rows.each("train"))
        if any(_is_there(record.get(column)) for column in columns)
    )
    return Limit(frozenset(position for _, position in ranked[: task.limit]), columns)


def _label_columns(task: TaskPlan, head: Head) -> tuple[str, ...]:
    """The columns that say whether a row is labelled: those not encoded; where all are, the last view's."""
    if hasattr(head, "corrupt"):
        return ()
    encoded = {name for view in head.views for name in view}
    read: Mapping[str, str] = task.head.options.columns() if hasattr(task.head.options, "columns") else {}
    return tuple(dict.fromkeys(name for name in read.values() if name not in encoded)) or head.views[-1]


def _is_there(cell: object) -> bool:
    if isinstance(cell, list | tuple):
        return any(_is_there(each) for each in cell)
    return not is_missing(cell)
