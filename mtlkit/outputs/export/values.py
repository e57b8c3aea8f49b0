"""What is exported, and what came of it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import field, frozen

from mtlkit.contracts.data import Record

Scores = Any
"""A tensor, or None where the head needs more than features to give any."""


@frozen(eq=False)
class TaskModel:
    """A trained head: the plugin it is, its options as a recipe writes them, and its scores of some rows.

    `views` are the columns that are encoded together, `head` is its module.
    """

    name: str
    plugin: str
    options: Mapping[str, Any]
    labels: tuple[str, ...]
    views: tuple[tuple[str, ...], ...]
    head: Any
    rows: tuple[Record, ...]
    scores: Scores


@frozen(eq=False)
class TrainedModel:
    """A trained backbone with its heads.

    `states` are those of the last layer, [t, H] for each of `texts`; `recipe` is the resolved recipe, and
    `metrics` what the run ended with, by TASK/METRIC.
    """

    name: str
    backbone: Any
    texts: tuple[str, ...]
    states: tuple[Any, ...]
    tasks: tuple[TaskModel, ...]
    recipe: Mapping[str, Any]
    checkpoint: str
    metrics: Mapping[str, float] = field(factory=dict)


@frozen
class Form:
    """A folder that another library loads to compute what a task computes, and how far off it was."""

    task: str
    library: str
    kind: str
    folder: str
    difference: float


@frozen
class Left:
    """A task of which only the weights are there, and why."""

    task: str
    reason: str


@frozen
class Exported:
    """The folder, how far the loaded backbone was off, and what became of the tasks."""

    folder: Path
    difference: float
    forms: tuple[Form, ...]
    left: tuple[Left, ...]
