"""Gradient checkpointing: activations inside blocks are not kept for the backward pass but computed again.

Chen et al. 2016, arXiv:1604.06174, with one segment per block. What is computed again draws the random
numbers of the first time, so values and gradients are the same, bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from mtlkit.builtin.backbones.attending import attending_by


def recompute(blocks: Iterable[nn.Module], config: Any) -> None:  # noqa: ANN401  a transformers configuration
    """Let the blocks of a model with this configuration keep nothing but their inputs.

    Their `forward` is replaced and not the blocks, so weights keep their names; hooks run once.
    """
    for block in dict.fromkeys(blocks):  # a shared block is there more than once
        block.forward = partial(_forward, block.forward, config)


def _forward(forward: Callable[..., Any], config: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401  a block's own
    if not torch.is_grad_enabled():
        return forward(*args, **kwargs)
    name = config._attn_implementation

    def contexts() -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
        # In the backward pass, too, where the model is not running.
        return nullcontext(), attending_by(config, name)

    return checkpoint(forward, *args, use_reentrant=False, context_fn=contexts, **kwargs)
