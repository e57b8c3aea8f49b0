"""A tower: dropout, hidden layers, then a linear layer to the outputs.

Shapes: B rows, … any dimensions between.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  the name torch's own documentation uses

from mtlkit.builtin.heads.option_fields import Activation, Hidden

ACTIVATIONS: Mapping[Activation, Callable[[Tensor], Tensor]] = {
    "gelu": F.gelu,
    "relu": F.relu,
    "silu": F.silu,
    "tanh": torch.tanh,
}


class TowerOptions(Protocol):
    """What a tower reads of a head's options."""

    @property
    def hidden(self) -> Hidden:
        """Sizes of the hidden layers."""
        ...

    @property
    def activation(self) -> Activation:
        """The function after each of them."""
        ...

    @property
    def dropout(self) -> float:
        """The dropout rate before each layer."""
        ...


class Tower(nn.Module):
    """Dropout before every layer, an activation after every hidden one, nothing after the last."""

    def __init__(self, options: TowerOptions, inputs: int, outputs: int, *, bias: bool = True) -> None:
        super().__init__()
        widths = [inputs, *sizes(options.hidden)]
        self.hidden = nn.ModuleList(nn.Linear(narrow, wide) for narrow, wide in pairwise(widths))
        self.output = nn.Linear(widths[-1], outputs, bias=bias)
        self.dropout = nn.Dropout(options.dropout)
        self.activate = ACTIVATIONS[options.activation]

    def forward(self, vectors: Tensor) -> Tensor:
        """Outputs […, outputs] of vectors […, inputs]."""
        for layer in self.hidden:
            vectors = self.activate(layer(self.dropout(vectors)))
        yielded: Tensor = self.output(self.dropout(vectors))
        return yielded


def sizes(hidden: Hidden) -> tuple[int, ...]:
    """The sizes of the hidden layers, in order."""
    if isinstance(hidden, int):
        return (hidden,) if hidden else ()
    return tuple(hidden)
