"""Rows that someone hands over, in place of a source of a recipe."""

from collections.abc import Sequence

from attrs import frozen

from mtlkit.contracts.columns import meant
from mtlkit.contracts.data import Record
from mtlkit.contracts.rows import RowSpec
from mtlkit.engine.head_facts import Facts, shape_of
from mtlkit.engine.rows import Rows
from mtlkit.errors import DataError, Problem
from mtlkit.plan.model import Plan

GIVEN = "the given rows"


@frozen
class _Held:
    """The rows as a data source."""

    held: Sequence[Record]

    def columns(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for row in self.held for name in row))

    def __len__(self) -> int:
        return len(self.held)

    def rows(self, numbers: Sequence[int]) -> list[Record]:
        return [self.held[number] for number in numbers]

    def fingerprint(self) -> str:
        return ""


def as_rows(records: Sequence[Record]) -> Rows:
    """The records as the test split of a source of their own."""
    everything = tuple(range(len(records)))
    return Rows(_Held(records), RowSpec(), {"train": (), "validation": (), "test": everything}, "")


def named(records: Sequence[Record], plan: Plan, tasks: Sequence[str]) -> list[Record]:
    """The records with the names that the tasks know columns by; a record may have those of the source."""
    renamed = {
        ours: theirs
        for data in plan.data
        if any(plan.task(task).data == data.name for task in tasks)
        for ours, theirs in data.rows.columns.items()
    }
    if not renamed:
        return list(records)
    return [
        {**{our: row[their] for our, their in renamed.items() if their in row and our not in row}, **row}
        for row in records
    ]


def row_problem(row: Record, facts: Facts, tasks: Sequence[str]) -> Problem | None:
    """What is wrong with a row for these tasks: a column they read is not there, or of another shape."""
    for task in tasks:
        for column, shape in facts[task].columns.items():
            if column not in row:
                message = f"has no column {column!r}, which task {task!r} reads"
                return Problem(message, meant(column, [str(name) for name in row], "its columns are"))
            found = shape_of(row[column])
            if found is not None and found != shape:
                held = {"list": "a list", "text": "text"}
                message = f"has {held[found]} in the column {column!r}, and task {task!r} reads {held[shape]}"
                return Problem(message, 'lists are written as ["one", "two"]' if shape == "list" else "")
    return None


def check_rows(records: Sequence[Record], facts: Facts, tasks: Sequence[str]) -> None:
    """Check every row.

    Raises:
        DataError: naming the first row that is wrong by its number, from 0.
    """
    for number, row in enumerate(records):
        problem = row_problem(row, facts, tasks)
        if problem is not None:
            raise DataError(Problem(f"row {number} {problem.message}", problem.suggestion))
