"""Stochastic gradient descent, with or without momentum, through torch."""

from collections.abc import Sequence
from typing import Any

import torch

from mtlkit.builtin.optimizers.kernels import kernel
from mtlkit.builtin.optimizers.options import Sgd


def build(options: Sgd, groups: Sequence[dict[str, Any]]) -> torch.optim.SGD:
    """The optimizer over these groups, each with `params`, `lr` and `weight_decay`."""
    # torch's fused kernel fails where some weights have a momentum already and others thaw only now.
    how = {"foreach": True} if options.momentum else kernel(groups)
    return torch.optim.SGD(list(groups), momentum=options.momentum, nesterov=options.nesterov, **how)
