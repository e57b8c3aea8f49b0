"""What a run tells the world: plain numbers and names, in order. Nothing flows back."""

from collections.abc import Mapping
from typing import Literal

from attrs import frozen


@frozen
class RunStarted:
    """The run directory exists and the model is built."""

    name: str
    steps: int
    tasks: tuple[str, ...]


@frozen
class Resumed:
    """A run goes on after `step` of `steps` steps, from the checkpoint `path`.

    What was told of the run after that checkpoint was taken no longer counts, and is told again. `warnings`
    say which newer checkpoints are damaged, and what differs from the run before.
    """

    step: int
    steps: int
    path: str
    warnings: tuple[str, ...] = ()


@frozen
class PhaseStarted:
    """A stretch of steps with one trainable set begins before step `step`."""

    step: int
    phase: str
    end: int
    trainable: int
    frozen: int


@frozen
class StepDone:
    """One optimizer step: `step` counts the steps done, losses are means, rates as written.

    `penalties` are those of the regularizers, by name.
    """

    step: int
    epoch: float
    losses: Mapping[str, float]
    rates: Mapping[str, float]
    grad_norm: float
    rows: Mapping[str, int]
    penalties: Mapping[str, float] = {}


@frozen
class Skipped:
    """The step that ends with `step` changed nothing, because something in it was not finite."""

    step: int
    reason: str


@frozen
class Evaluated:
    """Metrics `TASK/METRIC` of one split after `step` steps.

    `purpose` is "start" (untrained), "progress" or "final"; the final one has the bounds of the 95 %
    bootstrap intervals and how many rows each metric is over.
    """

    step: int
    split: str
    purpose: Literal["start", "progress", "final"]
    metrics: Mapping[str, float]
    low: Mapping[str, float] = {}
    high: Mapping[str, float] = {}
    rows: Mapping[str, int] = {}


@frozen
class Selected:
    """The evaluation after `step` steps is the best so far: of the task `of`; of the run where that is empty.

    `metric` is what `score` is of, and `path` the checkpoint that is kept for it, empty where none is.
    """

    step: int
    of: str
    metric: str
    score: float
    path: str = ""


@frozen
class StoppedEarly:
    """There have been enough evaluations that were no better: the run ends after `step` of `steps` steps."""

    step: int
    steps: int
    reason: str


@frozen
class FrozenChecked:
    """The digest of everything frozen in the phase, equal at its begin and end.

    `weights` counts the frozen weights and the buffers of frozen modules.
    """

    step: int
    phase: str
    digest: str
    weights: int


@frozen
class Checkpointed:
    """The checkpoint of `step` steps is written and verified; `path` is relative to the run directory.

    It is written while the run goes on, and told when the next one begins.
    """

    step: int
    path: str


@frozen
class Warned:
    """Something the user should know that does not stop the run."""

    message: str


@frozen
class Measured:
    """A statistic of the model that a freeze policy asked for, by its name in the metric log."""

    step: int
    statistic: str
    values: Mapping[str, float]


@frozen
class Lost:
    """A gap in the log: so many events that have a place in the order of the run, as all have but steps.

    No run tells of it; a log has it where a disk had no room, or a line was damaged.
    """

    events: int


@frozen
class Activity:
    """A long piece of work outside the steps: `done` of `total` rows of `what`."""

    what: str
    done: int
    total: int


@frozen
class Stopped:
    """The last event of a run that was asked to stop; `path` is the checkpoint to go on from, or empty."""

    step: int
    path: str


@frozen
class RunEnded:
    """The last event. Reaching it means that everything frozen stayed equal, bit for bit."""

    step: int


Event = (
    RunStarted
    | Resumed
    | PhaseStarted
    | StepDone
    | Skipped
    | Evaluated
    | Selected
    | StoppedEarly
    | FrozenChecked
    | Checkpointed
    | Warned
    | Measured
    | Lost
    | Activity
    | Stopped
    | RunEnded
)
