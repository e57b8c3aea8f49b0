"""Thaw some weights once a metric has reached a threshold."""

from typing import ClassVar, Literal

from attrs import frozen

from mtlkit.builtin.freeze.plateau import METRIC, check_metric, task_of
from mtlkit.builtin.freeze.selecting import any_means, check_selectors, tasks_in
from mtlkit.builtin.freeze.triggers import OnMetric, came_true
from mtlkit.contracts.freeze import FreezePolicy
from mtlkit.contracts.options import option
from mtlkit.contracts.params import ParamTable, Row
from mtlkit.contracts.progress import Progress

FROZEN, THAWED = 0, 1


@frozen
class UnfreezeOnMetric(FreezePolicy):
    """What any selector means is frozen until an evaluation reaches the threshold, and trains from there on.

    A metric that falls back later freezes nothing. The rest always trains. A plan, which has no
    measurements, shows the weights as frozen throughout.

    Helps: no evidence known to us.

    Does not help: where the threshold is out of reach: then what is frozen stays so to the end.
    """

    monotone: ClassVar[bool] = True

    metric: str = option(METRIC)
    threshold: float = option("the value to reach")
    when: Literal["above", "below"] = option("from which side the metric counts as beyond it", "above")
    what: tuple[str, ...] = option("selectors of what is frozen at first", ("backbone",))

    def __attrs_post_init__(self) -> None:
        check_metric(self.metric)
        check_selectors(self.what, "what")

    def phase(self, progress: Progress) -> int:
        """0 until the threshold was reached, then 1."""
        condition = OnMetric(self.metric, self.threshold, self.when)
        return FROZEN if came_true(condition, 0, progress) is None else THAWED

    def trainable(self, row: Row, table: ParamTable, phase: int | str) -> bool:
        """Whether the threshold was reached or no selector means the weight."""
        return phase == THAWED or not any_means(self.what, row, table)

    def stages(self) -> tuple[int, ...]:
        """Both."""
        return (FROZEN, THAWED)

    def patterns(self) -> tuple[str, ...]:
        """The selectors."""
        return self.what

    def metrics(self) -> tuple[str, ...]:
        """The metric."""
        return (self.metric,)

    def tasks(self) -> tuple[str, ...]:
        """The task of the metric, and those that the selectors name."""
        return tuple(dict.fromkeys((task_of(self.metric), *tasks_in(self.what))))
