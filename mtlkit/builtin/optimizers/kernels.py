"""Which of torch's implementations of an optimizer step suits the weights."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

FUSED_DEVICES = frozenset({"cpu", "cuda", "meta"})
"""Weights on the meta device belong to a frozen backbone that is not loaded, or to a plan."""


def kernel(groups: Sequence[dict[str, Any]]) -> dict[str, bool]:
    """`{"fused": True}` where every weight is real, whole and on such a device, else `{"foreach": True}`."""
    weights = [weight for group in groups for weight in group["params"]]
    return {"fused" if all(map(_fits, weights)) else "foreach": True}


def _fits(weight: Tensor) -> bool:
    """On a CPU, torch's fused kernels take a weight for one piece of memory."""
    real = torch.is_floating_point(weight) and weight.device.type in FUSED_DEVICES
    return real and (weight.is_contiguous() or weight.device.type == "cuda")
