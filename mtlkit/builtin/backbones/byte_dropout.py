"""Dropout that spends one random byte a value instead of one random number.

Srivastava et al. 2014, "Dropout: A Simple Way to Prevent Neural Networks from Overfitting", section 4. The
rate is that of the nearest 1/256, and the values that stay are scaled for this rate: their mean is exact.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

BYTES_OF_A_DRAW = 8
LOWEST = -(2**63)
VALUES = 256
CLOSE = 0.02


def byte_dropout(values: Tensor, rate: float) -> Tensor:
    """Values, each zero with probability `rate`, to the nearest 1/256; drawn from torch's global generator.

    Off the CPU, and for rates that are not within 2 % of a multiple of 1/256, this is torch's own dropout.
    """
    zeros = round(rate * VALUES)
    if not rate:
        return values
    if zeros in (0, VALUES) or abs(zeros / VALUES - rate) > CLOSE * rate or values.device.type != "cpu":
        return nn.functional.dropout(values, rate)
    kept: Tensor = _Dropped.apply(values, zeros)  # type: ignore[no-untyped-call]
    return kept


class ByteDropout(nn.Dropout):
    """A dropout module that draws bytes."""

    def forward(self, values: Tensor) -> Tensor:
        """The values, some of them zero where the module trains."""
        return byte_dropout(values, self.p) if self.training else values


class _Dropped(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, values: Tensor, zeros: int) -> Tensor:  # noqa: ANN401  torch's own type
        drawn = torch.empty(-(-values.numel() // BYTES_OF_A_DRAW), dtype=torch.int64).random_(LOWEST, None)
        stays = drawn.view(torch.uint8)[: values.numel()].view(values.shape) >= zeros
        factors = stays.to(values.dtype).mul_(VALUES / (VALUES - zeros))
        context.save_for_backward(factors)
        return values * factors

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor, None]:  # noqa: ANN401
        (factors,) = context.saved_tensors
        return gradient * factors, None
