"""`mtlkit evaluate`: the metrics of a finished run on its own rows or on others."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import attrs
from cyclopts import Parameter

from mtlkit.cli.arguments import Checkpoint, Json, PluginFiles, RunFolder, Tasks
from mtlkit.cli.show import say, say_json, say_text, table

if TYPE_CHECKING:
    from mtlkit.contracts.data import Record
    from mtlkit.engine.evaluate import Score
    from mtlkit.engine.opened import Run

Data = Annotated[
    Path | None,
    Parameter(
        show_default=False, help="a file of rows, as the tasks' source reads its own, or .jsonl, .csv, .tsv"
    ),
]
Split = Annotated[
    Literal["train", "validation", "test"] | None,
    Parameter(show_default=False, help="rows of the run's own data; by default test, else validation"),
]


def evaluate(
    run: RunFolder,
    /,
    *,
    data: Data = None,
    split: Split = None,
    task: Tasks = (),
    checkpoint: Checkpoint = "best",
    plugin: PluginFiles = (),
    json: Json = False,
) -> int:
    """Measure the tasks of a finished run, each metric with its 95 % interval."""
    from mtlkit.api import open_run
    from mtlkit.errors import UsageError

    if data is not None and split is not None:
        raise UsageError("a file has no splits: all of its rows are evaluated", "leave out --split or --data")
    run_ = open_run(run, checkpoint, plugin)
    told, found = run_.evaluate(split, task, None if data is None else _given(run_, task, data))
    shown = told if data is None else str(data)
    if json:
        metrics = {name: _plain(score) for name, score in found.items()}
        say_json({"run": str(run), "checkpoint": run_.checkpoint.name, "split": shown, "metrics": metrics})
    else:
        say_text(f"{_shown(found)}\n")
        say(f"results on {shown} rows, weights of {run_.checkpoint.name}")
    return 0


def _given(run: "Run", tasks: tuple[str, ...], data: Path) -> "Path | list[Record]":
    """The file, where the tasks' own source reads such files, else its rows."""
    from mtlkit.cli.rows_in import FORMATS, read_rows
    from mtlkit.engine.given import suffix_of

    if data.suffix in FORMATS and data.suffix != suffix_of(run.plan, run.chosen(tasks)):
        return read_rows(data, FORMATS[data.suffix]).rows
    return data


def _plain(score: "Score") -> dict[str, object]:
    return attrs.asdict(score)


def _shown(found: "dict[str, Score]") -> str:
    rows = [
        (*name.split("/", 1), f"{score.value:.3f}", f"[{score.low:.3f}, {score.high:.3f}]", str(score.rows))
        for name, score in found.items()
    ]
    header = ("task", "metric", "value", "95 % interval", "rows")
    return table(header, rows) if rows else "no labelled rows: nothing was measured"
