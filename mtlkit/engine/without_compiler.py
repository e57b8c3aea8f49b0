"""torch's optimizers without torch's compiler, whose import takes most of a second."""

from collections.abc import Callable
from inspect import unwrap
from types import MethodType
from typing import Any

import torch
from torch.optim import Optimizer
from torch.optim import optimizer as module

MARK = "__dynamo_disable"
"""Where torch keeps the function that it made of one that is not to be compiled."""

OWN_HOOKS = ("_optimizer_step_pre_hooks", "_optimizer_step_post_hooks")
ALL_HOOKS = ("_global_optimizer_pre_hooks", "_global_optimizer_post_hooks")


def leave_compiler() -> None:
    """Let an optimizer be built, saved and restored without importing the compiler.

    Optimizers ask it, at the first call of these methods, for a function that it will not compile. mtlkit
    compiles backbones and nothing else, so the function itself will do. Without effect where torch has
    asked already, or no longer asks.
    """
    for method in (
        Optimizer.add_param_group,
        Optimizer.load_state_dict,
        Optimizer.state_dict,
        Optimizer.zero_grad,
    ):
        plain = getattr(method, "__wrapped__", None)
        if plain is not None and not hasattr(plain, MARK):
            setattr(plain, MARK, plain)


def lean_step(optimizer: Optimizer) -> None:
    """Let an optimizer of torch step as it does, without importing the compiler to tell it to keep off.

    It looks at no group of which no weight has a gradient. Others than torch's step as they are written, and
    so do those through whose steps gradients are to flow.
    """
    plain = unwrap(type(optimizer).step)
    if not plain.__module__.startswith("torch.optim.") or optimizer.defaults.get("differentiable"):
        return

    @torch.no_grad()
    def step(self: Optimizer, closure: Callable[[], float] | None = None) -> Any:  # noqa: ANN401  as torch has it
        if _hooked(self):
            return type(self).step(self, closure)
        whole = self.param_groups
        self.param_groups = [group for group in whole if any(p.grad is not None for p in group["params"])]
        try:
            return plain(self, closure)
        finally:
            self.param_groups = whole

    setattr(optimizer, "step", MethodType(step, optimizer))  # noqa: B010  a method, for mypy


def _hooked(optimizer: Optimizer) -> bool:
    """Whether somebody wants to hear of its steps."""
    return any(getattr(optimizer, hooks, True) for hooks in OWN_HOOKS) or any(
        getattr(module, hooks, True) for hooks in ALL_HOOKS
    )
