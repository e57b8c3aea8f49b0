"""Pieces with weights of odd shapes, types, places and names; all map [B, H] to [B, H]."""

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import parametrizations, parametrize

from mtlkit.testing.models.sizes import HIDDEN, VOCABULARY


class Scale(nn.Module):
    """A factor of any shape that broadcasts with [B, H], of any type."""

    def __init__(self, factor: Tensor) -> None:
        super().__init__()
        self.factor = nn.Parameter(factor)

    def forward(self, hidden: Tensor) -> Tensor:
        """`hidden` times the (squared size of the) weight."""
        real = (self.factor * self.factor.conj()).real if self.factor.is_complex() else self.factor
        return hidden * real.to(hidden.dtype)


class Empty(nn.Module):
    """A weight of size zero."""

    def __init__(self) -> None:
        super().__init__()
        self.nothing = nn.Parameter(torch.zeros(0, HIDDEN))

    def forward(self, hidden: Tensor) -> Tensor:
        """`hidden` plus nothing."""
        return hidden + self.nothing.sum()


class FirstRows(nn.Module):
    """A weight [2, H] that is part of another module's."""

    def __init__(self, rows: Tensor) -> None:
        super().__init__()
        self.rows = nn.Parameter(rows)

    def forward(self, hidden: Tensor) -> Tensor:
        """`hidden` plus what the rows find in it."""
        return hidden + (hidden @ self.rows.t()).sum(-1, keepdim=True)


class TwoNames(nn.Module):
    """One layer registered under two names."""

    def __init__(self) -> None:
        super().__init__()
        self.first = self.second = nn.Linear(HIDDEN, HIDDEN)

    def forward(self, hidden: Tensor) -> Tensor:
        """The layer, once."""
        yielded: Tensor = self.second(hidden)
        return yielded


class Twice(nn.Module):
    """A layer that one forward pass uses twice."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(HIDDEN, HIDDEN)

    def forward(self, hidden: Tensor) -> Tensor:
        """The layer of the layer."""
        yielded: Tensor = self.inner(self.inner(hidden).tanh())
        return yielded


class Unused(nn.Module):
    """A layer that no forward pass uses."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(HIDDEN, HIDDEN)

    def forward(self, hidden: Tensor) -> Tensor:
        """What comes in."""
        return hidden


class Direct(nn.Module):
    """A weight of its own beside a child's."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(HIDDEN))
        self.inner = nn.Linear(HIDDEN, HIDDEN)

    def forward(self, hidden: Tensor) -> Tensor:
        """The child, weighted."""
        yielded: Tensor = self.inner(hidden) * self.weight
        return yielded


class Collections(nn.Module):
    """Weights in a list and in a dictionary."""

    def __init__(self) -> None:
        super().__init__()
        self.listed = nn.ParameterList([torch.randn(HIDDEN), torch.randn(1)])
        self.keyed = nn.ParameterDict({"10": torch.randn(HIDDEN), "1": torch.randn(())})

    def forward(self, hidden: Tensor) -> Tensor:
        """All of them together."""
        yielded: Tensor = hidden * self.listed[0] + self.listed[1] + self.keyed["10"] * self.keyed["1"]
        return yielded


class Named(nn.Module):
    """A layer and a weight under a name of the caller's choice."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.add_module(name, nn.Linear(HIDDEN, HIDDEN))
        self.register_parameter(f"{name}2", nn.Parameter(torch.randn(HIDDEN)))

    def forward(self, hidden: Tensor) -> Tensor:
        """The layer, weighted."""
        (layer,), (weight,) = self.children(), self.parameters(recurse=False)
        yielded: Tensor = layer(hidden) * weight
        return yielded


class Lookup(nn.Module):
    """A table that row number i reads at place i."""

    def __init__(
        self, padding: int | None = None, sparse: bool = False, max_norm: float | None = None
    ) -> None:
        super().__init__()
        self.table = nn.Embedding(VOCABULARY, HIDDEN, padding, max_norm=max_norm, sparse=sparse)

    def forward(self, hidden: Tensor) -> Tensor:
        """`hidden` plus the rows of the table."""
        yielded: Tensor = hidden + self.table(torch.arange(len(hidden), device=hidden.device) % VOCABULARY)
        return yielded


class Symmetric(nn.Module):
    """The symmetric part of a matrix, as a parametrization."""

    def forward(self, matrix: Tensor) -> Tensor:
        """Half of the matrix and its transpose."""
        return (matrix + matrix.t()) / 2


def weight_norm() -> nn.Module:
    """A layer whose weight is a direction and a length."""
    made: nn.Module = parametrizations.weight_norm(nn.Linear(HIDDEN, HIDDEN))
    return made


def spectral_norm() -> nn.Module:
    """A layer whose weight is divided by its largest singular value, found while training."""
    made: nn.Module = parametrizations.spectral_norm(nn.Linear(HIDDEN, HIDDEN))
    return made


def symmetric() -> nn.Module:
    """A layer whose weight is made symmetric."""
    layer = nn.Linear(HIDDEN, HIDDEN)
    parametrize.register_parametrization(layer, "weight", Symmetric(), unsafe=True)
    return layer


class FunctionalDropout(nn.Module):
    """Dropout without a module of its own, beside a weight."""

    def __init__(self) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.randn(HIDDEN))

    def forward(self, hidden: Tensor) -> Tensor:
        """Half of the numbers are 0 in train mode."""
        return functional.dropout(hidden * self.gain, 0.5, self.training)


class StochasticDepth(nn.Module):
    """A layer that train mode leaves out half of the time (Huang et al. 2016)."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(HIDDEN, HIDDEN)

    def forward(self, hidden: Tensor) -> Tensor:
        """`hidden`, and the layer on top unless it is left out."""
        if self.training and bool(torch.rand(()) < 0.5):
            return hidden
        yielded: Tensor = hidden + self.inner(hidden)
        return yielded
