"""Fixed weights of the losses (linear scalarization).

Often as good as adaptive weighting: Xin et al. 2022, "Do Current Multi-Task Optimization Methods in Deep
Learning Even Help?".
"""

from collections.abc import Mapping
from typing import Annotated

from annotated_types import Ge
from attrs import frozen

from mtlkit.contracts.balance import Balancer
from mtlkit.contracts.options import option
from mtlkit.contracts.progress import Progress


@frozen
class Static(Balancer):
    """Every loss counts as often as written; a task that is not named counts once."""

    per_task: Mapping[str, Annotated[float, Ge(0)]] = option("factor of the loss, by task")

    def weights(self, losses: Mapping[str, float], progress: Progress) -> Mapping[str, float]:
        """The written factor of each task."""
        return {task: self.per_task.get(task, 1.0) for task in losses}

    def tasks(self) -> tuple[str, ...]:
        """The named tasks."""
        return tuple(self.per_task)
