"""One vector for each row of a view: layers chosen, tokens pooled.

Shapes: B rows, T tokens, D size of the states.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from mtlkit.builtin.heads.layer_reader import LayerReader
from mtlkit.builtin.heads.option_fields import Layers, TextPooling
from mtlkit.contracts.backbone import Features, Pooling
from mtlkit.contracts.head import HeadContext


class AttentionPooling(nn.Module):
    """Σ α_t · h_t with α = softmax over t of uᵀ tanh(W h_t + b) (Yang et al. 2016, equations 5 to 7)."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.key = nn.Linear(size, size)
        self.query = nn.Linear(size, 1, bias=False)

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        """Vectors [B, D] of states [B, T, D]; zeros for a row without any real token."""
        scores = self.query(torch.tanh(self.key(states))).squeeze(-1)
        scores = scores.masked_fill(~mask, torch.finfo(scores.dtype).min)
        shares = scores.softmax(-1).masked_fill(~mask, 0.0)
        vectors: Tensor = (shares.unsqueeze(-1) * states).sum(1)
        return vectors


class TextReader(nn.Module):
    """Turns the features of a view into vectors of `size`.

    `needs`, `pooling` and `depths` are what the head declares as `needs`, `pooling` and `layers`: where the
    engine can pool, it does, and tokens are read for attention or other layers than the last.

    Raises:
        RecipeError: when a layer is none of the backbone's.
    """

    needs: Literal["tokens", "pooled"]
    pooling: Pooling

    def __init__(self, pooling: TextPooling, layers: Layers, context: HeadContext) -> None:
        super().__init__()
        self.layers = LayerReader(layers, context)
        self.depths, self.size = self.layers.depths, self.layers.size
        self.attention = AttentionPooling(self.size) if pooling == "attention" else None
        self.pooling = "mean" if pooling == "attention" else pooling
        self.needs = "tokens" if self.attention is not None or self.depths else "pooled"

    def forward(self, features: Features) -> Tensor:
        """Vectors [B, size]."""
        if self.needs == "pooled":
            if features.pooled is None:
                raise TypeError("a head that needs pooled features was given none")
            return features.pooled
        states = self.layers(features)
        if self.attention is not None:
            vectors: Tensor = self.attention(states, features.mask)
            return vectors
        return pooled(states, features.mask, self.pooling)


def pooled(states: Tensor, mask: Tensor, how: Pooling) -> Tensor:
    """Vectors [B, D] of states [B, T, D] that are 0 where `mask` [B, T] is False.

    `mean` averages, `cls` takes the first token, `last` the last one, `max` the element-wise maximum. A row
    without any real token gives zeros.
    """
    inside = mask.unsqueeze(-1)
    if how == "cls":
        return states[:, 0]
    if how == "last":
        numbers = torch.arange(mask.shape[1], device=mask.device)
        last = torch.where(mask, numbers, 0).amax(1)
        return states[torch.arange(len(states), device=mask.device), last]
    if how == "max":
        highest = states.masked_fill(~inside, -torch.inf).amax(1)
        return highest.masked_fill(~inside.any(1), 0.0)
    return states.sum(1) / inside.sum(1).clamp(min=1)
