"""Any optimizer of torch that fits, by the name of its class."""

from collections.abc import Sequence
from typing import Any

import torch

from mtlkit.builtin.optimizers.torch_options import Torch


def build(options: Torch, groups: Sequence[dict[str, Any]]) -> torch.optim.Optimizer:
    """The optimizer over these groups, each with `params`, `lr` and `weight_decay`.

    Raises:
        ValueError: when the class refuses the value of an argument, or is no optimizer.
        TypeError: when the class has no such argument.
    """
    made: Any = getattr(torch.optim, options.class_name, None)
    if not isinstance(made, type) or not issubclass(made, torch.optim.Optimizer):
        raise ValueError(f"torch.optim has no optimizer {options.class_name!r}")
    arguments: dict[str, Any] = dict(options.arguments)
    optimizer: torch.optim.Optimizer = made(list(groups), **arguments)
    return optimizer
