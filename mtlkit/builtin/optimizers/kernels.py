"""Which of torch's implementations of an optimizer step suits the weights."""

from collections.abc import Sequence
from typing import Any

import torch

FUSED_DEVICES = frozenset({"cpu", "cuda", "meta"})
"""Weights on the meta device belong to a frozen backbone that is not loaded, or to a plan."""


def kernel(groups: Sequence[dict[str, Any]]) -> dict[str, bool]:
    """`{"fused": True}` where every weight is real and on one of these devices, else `{"foreach": True}`."""
    weights = [weight for group in groups for weight in group["params"]]
    fused = all(torch.is_floating_point(weight) and weight.device.type in FUSED_DEVICES for weight in weights)
    return {"fused" if fused else "foreach": True}
