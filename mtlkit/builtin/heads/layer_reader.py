"""Which layers of the backbone a head reads: the last, some of them, or a learned mix of all.

Shapes: B rows, T tokens, H hidden size, L blocks of the backbone, n layers that are read.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mtlkit.builtin.heads.option_fields import Layers
from mtlkit.contracts.backbone import Features
from mtlkit.contracts.head import HeadContext
from mtlkit.errors import Problem, RecipeError


class ScalarMix(nn.Module):
    """γ · Σ softmax(w)_j · layer_j (Peters et al. 2018, equation 1); equal weights and γ = 1 at the start."""

    def __init__(self, layers: int) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.zeros(layers))
        self.gamma = nn.Parameter(torch.ones(()))

    def forward(self, states: Sequence[Tensor]) -> Tensor:
        """The weighted mean of tensors of one shape."""
        shares = self.weights.softmax(0)
        mixed = [share * each for share, each in zip(shares, states, strict=True)]
        return self.gamma * torch.stack(mixed).sum(0)


class LayerReader(nn.Module):
    """States of the layers chosen: those of the listed ones side by side (Devlin et al. 2019, section 5.3).

    `depths` is what a head says in `Head.layers`, empty for the backbone's final states; `size` is that
    of the vectors it yields.

    Raises:
        RecipeError: when a depth is none of the backbone's, or is listed twice.
    """

    def __init__(self, layers: Layers, context: HeadContext) -> None:
        super().__init__()
        self.depths = () if layers == "last" else depths_of(layers, context)
        self.mix = ScalarMix(len(self.depths)) if layers == "mix" else None
        self.size = context.hidden_size * (1 if self.mix or not self.depths else len(self.depths))

    def forward(self, features: Features) -> Tensor:
        """States [B, T, size], 0 at masked places."""
        read = [features.layers[depth] for depth in self.depths] or [features.tokens]
        # Masked places may hold anything, and 0 × NaN is NaN: they are replaced before any product.
        states = [each.masked_fill(~features.mask.unsqueeze(-1), 0.0) for each in read]
        if self.mix is None:
            return torch.cat(states, -1)
        mixed: Tensor = self.mix(states)
        return mixed


def depths_of(layers: Layers, context: HeadContext) -> tuple[int, ...]:
    """Depths 0…L of the layers asked for; -1 stands for L, the top block.

    Raises:
        RecipeError: when one is not between -L-1 and L, or is there twice.
    """
    top = context.depth
    if layers in ("last", "mix"):
        return tuple(range(top + 1))
    path = f"tasks.{context.task}.head.layers"
    wrong = [each for each in layers if not -top - 1 <= int(each) <= top]
    if wrong:
        advice = f"0 is the embeddings, 1 to {top} are its blocks, -1 is the top one"
        raise RecipeError(Problem(f"the backbone has no layer of depth {wrong[0]}", advice, path))
    found = tuple(int(each) % (top + 1) for each in layers)
    if len(set(found)) < len(found):
        message = f"of the layers {list(layers)} two are the same one of the backbone's {top + 1}"
        raise RecipeError(Problem(message, "list each depth once", path))
    return found
