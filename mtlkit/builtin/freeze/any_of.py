"""A weight trains where one of several policies says so.

Several `[[freeze]]` tables need all of them to agree; this is the other way round, so that policies which
each free a part add up.
"""

from typing import ClassVar

from attrs import frozen

from mtlkit.builtin.freeze.composing import joined, parted, told
from mtlkit.contracts.freeze import Chosen, FreezePolicy
from mtlkit.contracts.options import option
from mtlkit.contracts.params import ParamTable, Row
from mtlkit.contracts.progress import Progress
from mtlkit.contracts.statistics import Statistic


@frozen
class AnyOf(FreezePolicy):
    """What one of the policies lets train does train: biases and the top two blocks, for instance.

    Helps: parts that no single policy names together; what is known depends on the policies.

    Does not help: no evidence known to us.
    """

    stretches: ClassVar[bool] = False  # policies that it is made of may not
    reads_names: ClassVar[bool] = True
    separates_tasks: ClassVar[bool] = False

    policies: tuple[Chosen, ...] = option("policies as in [[freeze]], each a table with use and its options")

    def __attrs_post_init__(self) -> None:
        if len(self.policies) < 2:
            raise ValueError(f"policies has {len(self.policies)} entries; write at least two")

    def phase(self, progress: Progress) -> int | str:
        """The phases of all policies."""
        return joined([each.policy.phase(progress) for each in self.policies])

    def trainable(self, row: Row, table: ParamTable, phase: int | str) -> bool:
        """Whether one of the policies says so."""
        phases = parted(phase, len(self.policies))
        return any(
            each.policy.trainable(row, table, own) for each, own in zip(self.policies, phases, strict=True)
        )

    def patterns(self) -> tuple[str, ...]:
        """The selectors of all policies."""
        return told(self.policies, lambda policy: policy.patterns())

    def statistics(self) -> tuple[Statistic, ...]:
        """What the policies want measured."""
        return told(self.policies, lambda policy: policy.statistics())

    def tasks(self) -> tuple[str, ...]:
        """The tasks that the policies name."""
        return told(self.policies, lambda policy: policy.tasks())

    def metrics(self) -> tuple[str, ...]:
        """The metrics that the policies watch."""
        return told(self.policies, lambda policy: policy.metrics())
