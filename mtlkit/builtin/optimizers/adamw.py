"""AdamW: Loshchilov & Hutter 2019, "Decoupled Weight Decay Regularization", through torch."""

from collections.abc import Sequence
from typing import Any

import torch

from mtlkit.builtin.optimizers.kernels import kernel
from mtlkit.builtin.optimizers.options import AdamW


def build(options: AdamW, groups: Sequence[dict[str, Any]]) -> torch.optim.AdamW:
    """The optimizer over these groups, each with `params`, `lr` and `weight_decay`."""
    return torch.optim.AdamW(list(groups), betas=options.betas, eps=options.eps, **kernel(groups))
