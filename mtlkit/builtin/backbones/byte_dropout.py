"""Dropout that spends one random byte a value instead of one random number.

Srivastava et al. 2014, "Dropout: A Simple Way to Prevent Neural Networks from Overfitting", section 4. The
rate is that of the nearest 1/256, and the values that stay are scaled for this rate: their mean is exact.
"""

from __future__ import annotations

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
    if not rate:
        return values
    return values * _drawn(values, rate) if _by_bytes(values, rate) else nn.functional.dropout(values, rate)


def dropout_factors(values: Tensor, rate: float) -> Tensor:
    """What dropout multiplies these values by: zero with probability `rate`, else 1/(1 - `rate`)."""
    if _by_bytes(values, rate):
        return _drawn(values, rate)
    return nn.functional.dropout(torch.ones_like(values), rate)


class ByteDropout(nn.Dropout):
    """A dropout module that draws bytes."""

    def forward(self, values: Tensor) -> Tensor:
        """The values, some of them zero where the module trains."""
        return byte_dropout(values, self.p) if self.training else values


def _by_bytes(values: Tensor, rate: float) -> bool:
    zeros = round(rate * VALUES)
    close = abs(zeros / VALUES - rate) <= CLOSE * rate
    return zeros not in (0, VALUES) and close and values.device.type == "cpu"


def _drawn(values: Tensor, rate: float) -> Tensor:
    zeros = round(rate * VALUES)
    drawn = torch.empty(-(-values.numel() // BYTES_OF_A_DRAW), dtype=torch.int64).random_(LOWEST, None)
    stays = torch.empty(values.shape, dtype=values.dtype)  # written at once: bool to float is slow
    torch.ge(drawn.view(torch.uint8)[: values.numel()].view(values.shape), zeros, out=stays)
    return stays.mul_(VALUES / (VALUES - zeros))
