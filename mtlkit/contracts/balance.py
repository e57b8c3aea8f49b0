"""Balancer: how the losses of several tasks become one."""

from collections.abc import Mapping
from typing import ClassVar

from mtlkit.contracts.progress import Progress


class Balancer:
    """Loss weights as a function of the losses; subclass with a frozen attrs class.

    `scale_free`: the weights stay the same when every loss is multiplied by the same factor.
    `normalised`: the weights of the tasks add up to how many they are.
    """

    scale_free: ClassVar[bool] = False
    normalised: ClassVar[bool] = False

    def weights(self, losses: Mapping[str, float], progress: Progress) -> Mapping[str, float]:
        """A factor ≥ 0 for each task in `losses`, which holds the mean losses of this forward pass.

        Tasks without a labelled row in it are absent, and there may be none at all. A task that is alone
        in it, and that the options do not name, has the factor 1: one task is plain training. Tasks that
        the options do not name may be called anything. The recipe's `weight` of the task is
        multiplied in by the engine.
        """
        raise NotImplementedError

    def tasks(self) -> tuple[str, ...]:
        """The task names among the options; each must be a task of the recipe."""
        return ()
