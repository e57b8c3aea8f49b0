"""The plan of a run: every name a part, every option checked, every default filled in."""

from collections.abc import Callable, Mapping
from typing import Any, Literal

from attrs import field, frozen

from mtlkit.contracts.card import PluginKind
from mtlkit.contracts.duration import Duration
from mtlkit.contracts.rows import RowSpec
from mtlkit.recipe.document import Document

Precision = Literal["fp32", "bf16", "auto"]
Batching = Literal["random", "buckets"]


@frozen
class Part:
    """One plugin that the recipe chose, with its checked options and where it comes from.

    `build` is the address of the builder, None where the options object is the plugin itself.
    """

    kind: PluginKind
    name: str
    options: Any
    build: str | Callable[..., Any] | None
    distribution: str
    version: str
    install: str = ""


@frozen
class DataPlan:
    """A source and what is made of its rows."""

    name: str
    source: Part
    rows: RowSpec


@frozen
class TaskPlan:
    """A head, the data it learns from and the weight of its loss.

    `backbone_grad` times the factor of `backbone_grad_curve` is how much of the task's gradient reaches
    the backbone. `batch_size` are the rows of its source in a forward pass, None for what the sampler says,
    and `limit` how many labelled training rows count, None for all.
    """

    name: str
    head: Part
    data: str
    weight: float
    backbone_grad: float
    backbone_grad_curve: Part
    batch_size: int | None = None
    limit: int | None = None


@frozen
class TrainingPlan:
    """How long and in what portions to train; durations as written, batch sizes in rows.

    `keep` is how many of the newest checkpoints stay, `store_bytes` how much of what frozen weights yield may
    be kept on disk, by all runs together. `batching` is the order of rows: any, or those of like length
    together. `max_tokens` is how many tokens a part of a step may have, None for any number.
    """

    length: Duration
    batch_size: int
    accumulate: int
    precision: Precision
    grad_clip: float | None
    evaluate_every: Duration | None
    checkpoint_every: Duration | None
    keep: int = 2
    on_nonfinite: Literal["stop", "skip"] = "stop"
    store_bytes: int = 0
    batching: Batching = "random"
    max_tokens: int | None = None
    compile: bool = False

    @property
    def rows_per_step(self) -> int:
        """Rows that one optimizer step takes, all sources together."""
        return self.batch_size * self.accumulate


Mode = Literal["max", "min"]


@frozen
class SelectionPlan:
    """Metrics `TASK/NAME` and their weights, which decide what is kept, and when there is enough.

    `plan/selection.py` has the rules. `patience` counts evaluations, None for a run that never stops early.
    `each_task` keeps the best evaluation of every task too.
    """

    weights: Mapping[str, float]
    mode: Mode = "max"
    relative: bool = False
    patience: int | None = None
    min_delta: float = 0.0
    each_task: bool = False


@frozen
class GuardsPlan:
    """What becomes of a task whose head is frozen while the backbone trains; `plan/rot.py` has the rule."""

    frozen_head: Literal["report", "stop", "refit"]
    tolerance: float
    refit: Duration


@frozen
class Plan:
    """All that a run needs to know.

    `curves` are the curves of single weights by selector, in order; all others follow `curve`. `recipe` is
    the resolved recipe as plain values; `document` the text it came from, for errors.
    """

    name: str
    seed: int
    backbone: Part
    data: tuple[DataPlan, ...]
    tasks: tuple[TaskPlan, ...]
    freeze: tuple[Part, ...]
    regularizers: tuple[Part, ...]
    lr: Part
    curve: Part
    curves: Mapping[str, Part]
    optimizer: Part
    sampler: Part
    balancer: Part
    trackers: tuple[Part, ...]
    training: TrainingPlan
    selection: SelectionPlan | None
    guards: GuardsPlan
    log_every: Duration
    recipe: Mapping[str, Any]
    document: Document = field(repr=False, eq=False)

    def task(self, name: str) -> TaskPlan:
        """The task of that name."""
        return next(task for task in self.tasks if task.name == name)

    def readers(self, data: str) -> tuple[TaskPlan, ...]:
        """The tasks that read that source, in recipe order."""
        return tuple(task for task in self.tasks if task.data == data)

    def batch_size(self, data: str) -> int | None:
        """The rows of that source in a forward pass, None where no task asks for a number."""
        return next((task.batch_size for task in self.readers(data) if task.batch_size), None)

    @property
    def parts(self) -> tuple[Part, ...]:
        """Every plugin that was chosen."""
        return (
            self.backbone,
            *(data.source for data in self.data),
            *(task.head for task in self.tasks),
            *(task.backbone_grad_curve for task in self.tasks),
            *self.freeze,
            *self.regularizers,
            self.lr,
            self.curve,
            *self.curves.values(),
            self.optimizer,
            self.sampler,
            self.balancer,
            *self.trackers,
        )

    @property
    def sources(self) -> tuple[DataPlan, ...]:
        """The sources that some task reads, in recipe order."""
        return tuple(data for data in self.data if self.readers(data.name))
