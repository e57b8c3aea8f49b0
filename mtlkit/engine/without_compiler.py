"""torch's optimizers without torch's compiler, whose import takes most of a second."""

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
