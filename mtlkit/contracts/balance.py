"""Balancer: how the losses of several tasks become one."""

from collections.abc import Mapping

from mtlkit.contracts.progress import Progress


class Balancer:
    """Loss weights as a function of the losses; subclass with a frozen attrs class."""

    def weights(self, losses: Mapping[str, float], progress: Progress) -> Mapping[str, float]:
        """A factor ≥ 0 for each task in `losses`, which holds the mean losses of this forward pass.

        Tasks without a labelled row in it are absent. The recipe's `weight` of the task is
        multiplied in by the engine.
        """
        raise NotImplementedError

    def tasks(self) -> tuple[str, ...]:
        """The task names among the options; each must be a task of the recipe."""
        return ()
