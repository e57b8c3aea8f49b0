"""Thaw the backbone from the top, some blocks whenever a metric has stopped getting better.

The idea is that of the package finetuning-scheduler, whose phases end by early stopping: a plan of thawing
does not have to guess how long each stage takes.
"""

from typing import Annotated, ClassVar

from annotated_types import Ge
from attrs import frozen

from mtlkit.builtin.freeze.depths import thawed_from_the_top
from mtlkit.builtin.freeze.plateau import (
    METRIC,
    MIN_DELTA,
    MODE,
    PATIENCE,
    Mode,
    check_metric,
    evaluations,
    plateaus,
    task_of,
)
from mtlkit.contracts.freeze import FreezePolicy
from mtlkit.contracts.options import option
from mtlkit.contracts.params import ParamTable, Row
from mtlkit.contracts.progress import Progress


@frozen
class UnfreezeOnPlateau(FreezePolicy):
    """At first the heads train alone; each plateau of the metric thaws the next `group_size` blocks.

    With L blocks and groups of g, stage k ≥ 1 trains the final layer and the top k·g blocks, and stage
    ⌈L/g⌉ + 1 everything. A plateau is reached with the `patience`-th evaluation in a row without a new best;
    then the count starts again, and the best stays. A plan, which has no measurements, shows the first stage.

    Helps: where the length of a stage is hard to guess; on quality, no evidence known to us, but see
    `gradual-unfreeze`.

    Does not help: where evaluations are few or noisy: a plateau is then late, or chance.
    """

    monotone: ClassVar[bool] = True

    metric: str = option(METRIC)
    patience: Annotated[int, Ge(1)] = option(PATIENCE, 3, unit="evaluations")
    min_delta: Annotated[float, Ge(0)] = option(MIN_DELTA, 0.0)
    mode: Mode = option(MODE, "max")
    group_size: Annotated[int, Ge(1)] = option("how many blocks thaw at once", 1, unit="blocks")

    def __attrs_post_init__(self) -> None:
        check_metric(self.metric)

    def phase(self, progress: Progress) -> int:
        """The stage: how many plateaus there were."""
        values = evaluations(progress, self.metric, self.mode)
        return len(plateaus(values, self.patience, self.min_delta, self.mode))

    def trainable(self, row: Row, table: ParamTable, phase: int | str) -> bool:
        """Whether the weight has thawed in that stage."""
        return thawed_from_the_top(row, table, int(phase), self.group_size)

    def metrics(self) -> tuple[str, ...]:
        """The metric."""
        return (self.metric,)

    def tasks(self) -> tuple[str, ...]:
        """The task of the metric."""
        return (task_of(self.metric),)
