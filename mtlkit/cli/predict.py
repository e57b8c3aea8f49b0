"""`mtlkit predict`: what the tasks of a finished run say of rows."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from mtlkit.cli.arguments import Checkpoint, PluginFiles, RunFolder, Tasks
from mtlkit.cli.rows_in import RowFormat
from mtlkit.cli.show import note

if TYPE_CHECKING:
    from mtlkit.cli.rows_in import Lines
    from mtlkit.engine.opened import Run

In = Annotated[
    Path | None, Parameter(name="--in", show_default=False, help="rows to read, else standard input")
]
Out = Annotated[Path | None, Parameter(show_default=False, help="file to write, else standard output")]
Format = Annotated[
    RowFormat | None,
    Parameter(show_default=False, help="of standard input and output: jsonl (the default), csv or tsv"),
]
Scores = Annotated[
    bool, Parameter(negative=(), show_default=False, help="write TASK.scores too, where the head has them")
]
ROWS_AT_ONCE = 4096


def predict(
    run: RunFolder,
    /,
    *,
    task: Tasks = (),
    in_: In = None,
    out: Out = None,
    format: Format = None,
    scores: Scores = False,
    checkpoint: Checkpoint = "best",
    plugin: PluginFiles = (),
) -> int:
    """Write every row again, in its order, with a column for what each task predicts.

    All rows are read and checked before the first one is written.
    """
    from mtlkit.api import open_run
    from mtlkit.cli.rows_in import format_of, read_rows, words_for
    from mtlkit.cli.rows_out import RowWriter, opened
    from mtlkit.engine.given import named, row_problem

    read_as = format_of(in_, format)
    write_as = format_of(out, format or (None if out is not None else read_as))
    run_ = open_run(run, checkpoint, plugin)
    tasks = run_.chosen(task)
    lines = read_rows(in_, read_as)
    if read_as != "jsonl":
        lines = words_for(lines, _lists(run_, tasks))
    lines.check(lambda row: row_problem(named([row], run_.plan, tasks)[0], run_.facts, tasks))
    columns = [*lines.columns, *_added(lines, tasks, scores=scores)]
    with opened(out) as stream:
        writer = RowWriter(stream, write_as, columns)
        for start in range(0, len(lines.rows), ROWS_AT_ONCE):
            part = lines.rows[start : start + ROWS_AT_ONCE]
            found = run_.predict_all(part, tasks)
            for at, row in enumerate(part):
                writer.write({**row, **_predictions(found, at, scores=scores)})
    note(f"{len(lines.rows)} rows, predicted by {', '.join(tasks)} of {run_.checkpoint.name}")
    return 0


def _predictions(found: dict[str, list[Any]], at: int, *, scores: bool) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for task, predictions in found.items():
        told[task] = predictions[at]
        if scores:
            told[f"{task}.scores"] = getattr(predictions[at], "scores", None)
    return told


def _added(lines: "Lines", tasks: tuple[str, ...], *, scores: bool) -> list[str]:
    """The columns that are added; none of them may be there already."""
    from mtlkit.errors import UsageError

    added = [name for task in tasks for name in ([task, f"{task}.scores"] if scores else [task])]
    taken = [name for name in added if name in lines.columns]
    if taken:
        raise UsageError(
            f"the rows have a column {taken[0]!r} already", "rename it, or leave it out of the rows"
        )
    return added


def _lists(run: "Run", tasks: tuple[str, ...]) -> set[str]:
    """The columns that some task reads as lists, by our names and by those of the sources."""
    lists = {name for task in tasks for name, shape in run.facts[task].columns.items() if shape == "list"}
    theirs = {
        data.rows.columns[name] for data in run.plan.data for name in lists if name in data.rows.columns
    }
    return lists | theirs
