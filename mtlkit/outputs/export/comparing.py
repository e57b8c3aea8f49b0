"""How far two results are apart, and what counts as the same."""

from typing import Any

import torch

from mtlkit.errors import TrainingError

TOLERANCE = 1e-4
"""Of the largest number among the results: other kernels, and folded adapters, round otherwise."""


def difference(found: Any, wanted: Any) -> float:  # noqa: ANN401  tensors
    """The largest difference, relative to the largest number (1 at least); infinite for other shapes.

    Places where both are -inf or both NaN are the same.
    """
    if found.shape != wanted.shape:
        return float("inf")
    if not wanted.numel():
        return 0.0
    one, other = found.detach().float().cpu(), wanted.detach().float().cpu()
    apart = torch.where((one == other) | (one.isnan() & other.isnan()), 0.0, (one - other).abs())
    finite = other[other.isfinite()].abs()
    scale = max(1.0, float(finite.max())) if finite.numel() else 1.0
    worst = float(apart.nan_to_num(nan=float("inf")).max())
    return worst / scale


def check_same(apart: float, what: str) -> float:
    """The difference, where it is small enough.

    Raises:
        TrainingError: where it is not.
    """
    if apart > TOLERANCE:
        raise TrainingError(
            f"{what}, loaded back, is off by {apart:.1e} of the largest number (allowed: {TOLERANCE:.0e})",
            "nothing was written; please report this with the recipe",
        )
    return apart
