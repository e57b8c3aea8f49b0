"""How much of a task's gradient reaches the backbone."""

from typing import Any

import torch
from attrs import evolve
from torch import Tensor

from mtlkit.contracts.backbone import Features


def gated(features: Features, scale: float) -> Features:
    """The same features, whose gradient is multiplied by `scale` on its way back; 1 changes nothing."""
    if scale == 1:
        return features
    pooled = None if features.pooled is None else _scaled(features.pooled, scale)
    layers = {depth: _scaled(states, scale) for depth, states in features.layers.items()}
    return evolve(features, tokens=_scaled(features.tokens, scale), pooled=pooled, layers=layers)


def _scaled(values: Tensor, scale: float) -> Tensor:
    if not scale:
        return values.detach()
    scaled: Tensor = _Scale.apply(values, scale)  # type: ignore[no-untyped-call]
    return scaled


class _Scale(torch.autograd.Function):
    """Identity forwards, a factor backwards."""

    @staticmethod
    def forward(context: Any, values: Tensor, scale: float) -> Tensor:  # noqa: ANN401  torch's own type
        context.scale = scale
        return values.view_as(values)

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor, None]:  # noqa: ANN401
        return gradient * context.scale, None
