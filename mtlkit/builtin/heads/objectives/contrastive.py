"""Contrastive: pairs that belong together are pulled, others pushed. Shapes: B rows."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F  # noqa: N812  the name torch's own documentation uses


def contrastive_loss(distances: Tensor, together: Tensor, margin: float) -> Tensor:
    """½ Σ (y · d² + (1 - y) · max(0, margin - d)²): Hadsell et al. 2006, equation 4.

    `distances` and `together` are [B]; the latter 1 for pairs that belong together, 0 for others.
    """
    pulled = together * distances.square()
    pushed = (1 - together) * F.relu(margin - distances).square()
    return (pulled + pushed).sum() / 2
