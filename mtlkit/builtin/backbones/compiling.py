"""Blocks compiled by `torch.compile`, with the random numbers and the weights' names of those that are not.

One program for batches of all sizes, whatever sizes came before: what a run computes then does not depend on
where it went on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import torch
from torch import nn

MOST_PROGRAMS = 256
"""Of one block: for training and evaluation, each set of weights that train, rows of one token."""


def compiler() -> str:
    """The C++ compiler that torch would use, with its version; empty where there is none."""
    from torch._inductor import cpp_builder
    from torch._inductor.exc import InvalidCxxCompiler

    try:
        found = cpp_builder.get_cpp_compiler()
        return cpp_builder.get_compiler_version_info(found).splitlines()[0]
    except (InvalidCxxCompiler, OSError, IndexError, RuntimeError):
        return ""


def compile_all(blocks: Iterable[nn.Module], backend: str = "inductor") -> None:
    """Compile what these blocks compute, when they are first called; that takes a minute or two.

    Their `forward` is replaced and not the blocks, so weights keep their names; hooks stay outside.
    """
    # Random numbers as torch draws them elsewhere, so that dropout is the same.
    options: dict[str, Any] | None = {"fallback_random": True} if backend == "inductor" else None
    for block in dict.fromkeys(blocks):
        compiled = torch.compile(block.forward, dynamic=True, backend=backend, options=options)
        block.forward = partial(_forward, compiled)


def _forward(compiled: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401  a block's own
    import torch._dynamo.config as dynamo
    import torch.fx.experimental._config as shapes

    settings: Any = shapes  # torch adds `patch` when the module is imported
    # Rows as many as tokens by chance are no program of their own.
    with settings.patch(use_duck_shape=False), dynamo.patch(recompile_limit=MOST_PROGRAMS):
        return compiled(*args, **kwargs)
