"""Arguments that several commands share."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

RecipeFile = Annotated[Path, Parameter(help="the recipe, a TOML file")]
Overrides = Annotated[
    tuple[str, ...],
    Parameter(
        name="--set",
        negative=(),
        show_default=False,
        help="override a value: tasks.sentiment.weight=0.5 (repeatable)",
    ),
]
PluginFiles = Annotated[
    tuple[Path, ...],
    Parameter(
        name="--plugin", negative=(), show_default=False, help="a plugin file under development (repeatable)"
    ),
]
Json = Annotated[
    bool, Parameter(name="--json", negative=(), show_default=False, help="one JSON object on standard output")
]
RunFolder = Annotated[Path, Parameter(help="the directory of a run: runs/NAME/ID")]
Tasks = Annotated[
    tuple[str, ...],
    Parameter(name="--task", negative=(), show_default=False, help="a task, by default all (repeatable)"),
]
Checkpoint = Annotated[str, Parameter(help="best, last, a number of steps, or a task: its best")]
Allowed = Annotated[
    tuple[str, ...],
    Parameter(
        name="--allow",
        negative=(),
        show_default=False,
        help="let this key of the recipe differ from the run that goes on (repeatable)",
    ),
]
AllowInexact = Annotated[
    bool,
    Parameter(
        negative=(),
        show_default=False,
        help="go on with other versions, another machine or other data, and mark the run",
    ),
]
Strict = Annotated[
    bool,
    Parameter(
        negative=(),
        show_default=False,
        help="refuse when the newest checkpoint is damaged, instead of an older",
    ),
]
