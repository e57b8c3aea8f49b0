"""Lion: Chen et al. 2023, "Symbolic Discovery of Optimization Algorithms" (arXiv:2302.06675), algorithm 2.

With the gradient g, the momentum m, the rate η and the weight decay λ, for each number θ of a weight:

    c = β₁ m + (1 - β₁) g
    θ ← θ - η (sign(c) + λ θ)
    m ← β₂ m + (1 - β₂) g
"""

from collections.abc import Callable, Sequence
from typing import Any, overload

import torch
from torch import Tensor

from mtlkit.builtin.optimizers import options


class Lion(torch.optim.Optimizer):
    """A torch optimizer; the state of a weight is its momentum `exp_avg`, 0 before its first gradient.

    Weights must be real and gradients dense.
    """

    def __init__(self, groups: Sequence[dict[str, Any]], betas: tuple[float, float]) -> None:
        super().__init__(list(groups), {"lr": 1e-4, "betas": betas, "weight_decay": 0.0})

    @overload
    def step(self, closure: None = None) -> None: ...
    @overload
    def step(self, closure: Callable[[], float]) -> float: ...

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        """One update of every weight that has a gradient; the others and their state stay."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is not None:
                    state = self.state[weight]
                    if not state:
                        state["exp_avg"] = torch.zeros_like(weight, memory_format=torch.preserve_format)
                    _update(weight, weight.grad, state["exp_avg"], group)
        return loss


def build(options: options.Lion, groups: Sequence[dict[str, Any]]) -> Lion:
    """The optimizer over these groups, each with `params`, `lr` and `weight_decay`."""
    return Lion(groups, options.betas)


def _update(weight: Tensor, gradient: Tensor, momentum: Tensor, group: dict[str, Any]) -> None:
    now, later = group["betas"]
    direction = momentum.lerp(gradient, 1 - now).sign_()
    weight.mul_(1 - group["lr"] * group["weight_decay"]).add_(direction, alpha=-group["lr"])
    momentum.lerp_(gradient, 1 - later)
