"""A policy with exceptions: what it has no say in."""

from typing import ClassVar

from attrs import frozen

from mtlkit.builtin.freeze.selecting import any_means, check_selectors, tasks_in
from mtlkit.contracts.freeze import Chosen, FreezePolicy
from mtlkit.contracts.options import option
from mtlkit.contracts.params import ParamTable, Row
from mtlkit.contracts.progress import Progress
from mtlkit.contracts.statistics import Statistic


@frozen
class ExceptFor(FreezePolicy):
    """A policy has no say in what a selector means: that trains, as far as this policy goes.

    Another `[[freeze]]` table may still freeze it. `weights = ["!blocks"]` leaves the policy only the blocks.

    Helps: as the policy; with norms and biases as exceptions see `bias-only` and `norm-only`.

    Does not help: no evidence known to us.
    """

    stretches: ClassVar[bool] = False  # the policy may not
    reads_names: ClassVar[bool] = True
    separates_tasks: ClassVar[bool] = False

    policy: Chosen = option("a policy as in [[freeze]], a table with use and its options")
    weights: tuple[str, ...] = option("selectors of what the policy has no say in")

    def __attrs_post_init__(self) -> None:
        check_selectors(self.weights, "weights")

    def phase(self, progress: Progress) -> int | str:
        """The phase of the policy."""
        return self.policy.policy.phase(progress)

    def trainable(self, row: Row, table: ParamTable, phase: int | str) -> bool:
        """Whether the weight is an exception, or the policy says so."""
        return any_means(self.weights, row, table) or self.policy.policy.trainable(row, table, phase)

    def stages(self) -> tuple[int | str, ...]:
        """Those of the policy."""
        return self.policy.policy.stages()

    def patterns(self) -> tuple[str, ...]:
        """The selectors of the exceptions and of the policy."""
        return tuple(dict.fromkeys((*self.weights, *self.policy.policy.patterns())))

    def statistics(self) -> tuple[Statistic, ...]:
        """What the policy wants measured."""
        return self.policy.policy.statistics()

    def tasks(self) -> tuple[str, ...]:
        """The tasks that the selectors and the policy name."""
        return tuple(dict.fromkeys((*tasks_in(self.weights), *self.policy.policy.tasks())))

    def metrics(self) -> tuple[str, ...]:
        """The metrics that the policy watches."""
        return self.policy.policy.metrics()
