"""LRSchedule and Curve: who learns how fast, and how that changes with time."""

from typing import ClassVar

from mtlkit.contracts.params import ParamTable, Row
from mtlkit.contracts.progress import Progress


class LRSchedule:
    """Groups and their rates, both pure functions; subclass with a frozen attrs class.

    The rate of a step is `rate(group, …)` times the factor of the recipe's curve. A group whose
    weights are all frozen gets rate 0. `keeps_ratios`: the rates of two groups of one age keep their
    ratio throughout the run. `reads_names`: the group depends on how a weight is called, not only on its
    owner, role, depth, kind and shape.
    """

    keeps_ratios: ClassVar[bool] = True
    reads_names: ClassVar[bool] = False

    def group(self, row: Row, table: ParamTable) -> str:
        """The name of the weight's group. It may not depend on time, so groups never change."""
        raise NotImplementedError

    def rate(self, group: str, progress: Progress, age: int) -> float:
        """The learning rate of the group for the coming step, finite and ≥ 0.

        `age` counts the steps since the group last thawed (0 at the first step it trains).
        """
        raise NotImplementedError

    def tasks(self) -> tuple[str, ...]:
        """The task names among the options; each must be a task of the recipe."""
        return ()


class Curve:
    """A factor on every rate over the run, 1 at its peak; subclass with a frozen attrs class.

    `stretches`: with every `Duration` of its options and the run n times as long, the factor at step n·k
    is that at step k, but for what one step more or less makes; False where it counts steps otherwise.
    """

    stretches: ClassVar[bool] = True

    def factor(self, progress: Progress, age: int) -> float:
        """The factor for the coming step, finite and ≥ 0; constant after the end of the run."""
        raise NotImplementedError
