"""torch's optimizers without torch's compiler, whose import takes most of a second."""

from inspect import unwrap
from types import MethodType

import torch
from torch.optim import Optimizer

MARK = "__dynamo_disable"
"""Where torch keeps the function that it made of one that is not to be compiled."""


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


def step_without_compiler(optimizer: Optimizer) -> None:
    """Let an optimizer of torch step as it does, without importing the compiler to tell it to keep off.

    Others step as they are written, and so do those through whose steps gradients are to flow.
    """
    plain = unwrap(type(optimizer).step)
    if plain.__module__.startswith("torch.optim.") and not optimizer.defaults.get("differentiable"):
        hooked = Optimizer.profile_hook_step(torch.no_grad()(plain))
        setattr(optimizer, "step", MethodType(hooked, optimizer))  # noqa: B010  a method, for mypy
