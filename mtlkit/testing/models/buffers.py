"""Pieces with buffers that move in train mode, or are of odd types and places."""

import torch
from torch import Tensor, nn

from mtlkit.testing.models.sizes import HIDDEN


class MovingAverage(nn.Module):
    """Takes away the moving average of what went through it in train mode."""

    mean: Tensor
    passes: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.randn(HIDDEN))
        self.register_buffer("mean", torch.zeros(HIDDEN))
        self.register_buffer("passes", torch.zeros((), dtype=torch.long))

    def forward(self, hidden: Tensor) -> Tensor:
        """`hidden` without the average so far."""
        before = self.mean.clone()
        if self.training:
            self.mean.lerp_(hidden.detach().mean(0).to(self.mean.dtype), 0.1)
            self.passes += 1
        return (hidden - before) * self.gain


class Queue(nn.Module):
    """Keeps the latest rows that went through it in train mode; has no weights."""

    rows: Tensor
    place: Tensor
    filled: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("rows", torch.zeros(3, HIDDEN))
        self.register_buffer("place", torch.zeros((), dtype=torch.int32), persistent=False)
        self.register_buffer("filled", torch.zeros(3, dtype=torch.bool))

    def forward(self, hidden: Tensor) -> Tensor:
        """`hidden` plus a little of what is in the queue."""
        yielded = hidden + 0.1 * self.rows.mean(0)
        if self.training:
            at = self.place.long()
            self.rows[at] = hidden.detach()[0].to(self.rows.dtype)
            self.filled[at] = True
            self.place.add_(1).remainder_(3)
        return yielded


class Constants(nn.Module):
    """Buffers that never change: non-persistent, integer and boolean ones."""

    order: Tensor
    sign: Tensor
    shift: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("order", torch.arange(HIDDEN).flip(0))
        self.register_buffer("sign", torch.arange(HIDDEN) % 2 == 0)
        self.register_buffer("shift", torch.full((HIDDEN,), 0.5), persistent=False)
        self.inner = nn.Linear(HIDDEN, HIDDEN)

    def forward(self, hidden: Tensor) -> Tensor:
        """`hidden` in another order, some of it negated, shifted, and through a layer."""
        turned = hidden[:, self.order]
        yielded: Tensor = self.inner(torch.where(self.sign, turned, -turned) + self.shift)
        return yielded


class Alias(nn.Module):
    """A weight and a buffer over its memory."""

    seen: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(HIDDEN))
        self.register_buffer("seen", self.weight.data)

    def forward(self, hidden: Tensor) -> Tensor:
        """`hidden` times the weight."""
        return hidden * self.weight


class TrackedInstanceNorm(nn.Module):
    """Instance norm with running statistics; the rows of the batch are the positions of one instance."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.InstanceNorm1d(HIDDEN, affine=True, track_running_stats=True)

    def forward(self, hidden: Tensor) -> Tensor:
        """Every feature normalised."""
        yielded: Tensor = self.norm(hidden.t().unsqueeze(0)).squeeze(0).t()
        return yielded
