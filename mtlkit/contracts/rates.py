"""LRSchedule and Curve: who learns how fast, and how that changes with time."""

from typing import ClassVar, Literal

from mtlkit.contracts.params import ParamTable, Row
from mtlkit.contracts.progress import Progress
from mtlkit.contracts.statistics import Statistic


class LRSchedule:
    """Groups and their rates, both pure functions; subclass with a frozen attrs class.

    The rate of a step is `rate(group, …)` times the factor of the recipe's curve. A group whose
    weights are all frozen gets rate 0. `keeps_ratios`: the rates of two groups of one age keep their
    ratio throughout the run. `reads_names`: the group depends on how a weight is called, not only on its
    owner, role, depth, kind and shape. `rises_with_depth`: no weight of the backbone has a higher rate than
    one of its kind at a larger depth.

    Options with `unit="rate"` are learning rates: where there are such options, all rates are in proportion
    to them.
    """

    keeps_ratios: ClassVar[bool] = True
    reads_names: ClassVar[bool] = False
    rises_with_depth: ClassVar[bool] = False

    def group(self, row: Row, table: ParamTable) -> str:
        """The name of the weight's group. It may not depend on time, so groups never change.

        Neither may it depend on the other weights' aliases, on what their authors froze, on how many tasks
        there are, or on the order of the weights of one module.
        """
        raise NotImplementedError

    def rate(self, group: str, progress: Progress, age: int) -> float:
        """The learning rate of the group for the coming step, finite and ≥ 0.

        `age` counts the steps since the group last thawed (0 at the first step it trains). After the end
        of the run no rate is above what it was at its highest during it.
        """
        raise NotImplementedError

    def patterns(self) -> tuple[str, ...]:
        """The selectors among the options; each must match a weight of the model."""
        return ()

    def tasks(self) -> tuple[str, ...]:
        """The task names among the options; each must be a task of the recipe."""
        return ()

    def statistics(self) -> tuple[Statistic, ...]:
        """What the schedule wants measured; it reads the values from the metric log, see `history`."""
        return ()


class Curve:
    """A factor on every rate over the run, 1 at its peak; subclass with a frozen attrs class.

    `stretches`: with every `Duration` of its options and the run n times as long, the factor at step n·k
    is that at step k, but for what one step more or less makes; False where it counts steps otherwise.
    `rewarm_scope`: whose `age` it is asked with, the "group"'s own or that of the youngest group that trains,
    "all". It may be an option.
    """

    stretches: ClassVar[bool] = True
    rewarm_scope: Literal["group", "all"] = "group"

    def factor(self, progress: Progress, age: int) -> float:
        """The factor for the coming step, finite and ≥ 0; constant after the end of the run."""
        raise NotImplementedError

    def metrics(self) -> tuple[str, ...]:
        """The metrics among the options, TASK/NAME; each must be one that the head of that task measures."""
        return ()
