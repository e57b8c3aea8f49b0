"""Adam: Kingma & Ba 2015, "Adam: A Method for Stochastic Optimization", through torch."""

from collections.abc import Sequence
from typing import Any

import torch

from mtlkit.builtin.optimizers.kernels import kernel
from mtlkit.builtin.optimizers.options import Adam


def build(options: Adam, groups: Sequence[dict[str, Any]]) -> torch.optim.Adam:
    """The optimizer over these groups, each with `params`, `lr` and `weight_decay`."""
    return torch.optim.Adam(
        list(groups), betas=options.betas, eps=options.eps, amsgrad=options.amsgrad, **kernel(groups)
    )
