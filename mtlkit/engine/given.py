"""Rows that someone hands over, in place of a source of a recipe."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from attrs import evolve, frozen

from mtlkit.contracts.columns import meant
from mtlkit.contracts.data import Record, Value
from mtlkit.contracts.place import Place
from mtlkit.contracts.rows import RowSpec, SplitSpec
from mtlkit.engine.build import make
from mtlkit.engine.content import as_text, is_missing
from mtlkit.engine.head_facts import Facts, shape_of
from mtlkit.engine.rows import Rows
from mtlkit.errors import DataError, Problem, UsageError
from mtlkit.plan.model import DataPlan, Plan

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


def labelled(records: Sequence[Record], plan: Plan, tasks: Sequence[str]) -> list[Record]:
    """The records with labels for values, as the recipe maps them; what is a label already stays one."""
    mapped = {
        column: values
        for data in plan.data
        if any(plan.task(task).data == data.name for task in tasks)
        for column, values in data.rows.labels.items()
    }
    if not mapped:
        return list(records)
    return [
        {name: _label(value, mapped[name]) if name in mapped else value for name, value in row.items()}
        for row in records
    ]


def read_like(plan: Plan, tasks: Sequence[str], file: Path) -> list[Record]:
    """All rows of a file that is read as the tasks' data source reads its own.

    Raises:
        UsageError: when the tasks read several sources, or theirs reads no file, or one of another kind.
        RecipeError, DataError, ResourceError: as reading the data of a run does.
    """
    data = _only_source(plan, tasks)
    kind = suffix_of(plan, tasks)
    if file.suffix != kind:
        message = f"{str(file)!r} is not of the kind that data {data.name!r} reads ({kind or 'no file'})"
        raise UsageError(message, "give the rows themselves, or a file of that kind")
    strict = {"on_bad_row": "error"} if hasattr(data.source.options, "on_bad_row") else {}
    options = evolve(data.source.options, path=Place(str(file.absolute())), **strict)
    spec = evolve(data.rows, where={}, split=SplitSpec(column=""), limit={}, fold=None)
    rows = Rows.load(make(evolve(data.source, options=options)), spec, data.name)
    return rows.all("train")


def suffix_of(plan: Plan, tasks: Sequence[str]) -> str | None:
    """The suffix of the files that the tasks' data source reads, "" for a folder, None where it reads none.

    Raises:
        UsageError: when the tasks read several sources.
    """
    path = getattr(_only_source(plan, tasks).source.options, "path", None)
    if isinstance(path, Mapping):
        path = next(iter(path.values()), None)
    return Path(path.address).suffix if isinstance(path, Place) else None


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


def _only_source(plan: Plan, tasks: Sequence[str]) -> DataPlan:
    names = list(dict.fromkeys(plan.task(task).data for task in tasks))
    if len(names) > 1:
        told = ", ".join(f"{task} reads {plan.task(task).data}" for task in tasks)
        raise UsageError(f"one file can't be the data of all these tasks: {told}", "name tasks of one source")
    return next(data for data in plan.data if data.name == names[0])


def _label(value: Value, labels: Mapping[str, str]) -> Value:
    if isinstance(value, list):
        return [_label(each, labels) for each in value]
    return value if is_missing(value) else labels.get(as_text(value), value)
