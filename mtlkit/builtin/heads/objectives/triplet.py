"""Triplets: an anchor nearer to its positive than to its negative. Shapes: B rows."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F  # noqa: N812  the name torch's own documentation uses


def triplet_loss(to_positive: Tensor, to_negative: Tensor, margin: float) -> Tensor:
    """Σ max(0, d(anchor, positive) - d(anchor, negative) + margin), of distances [B].

    Schroff et al. 2015, arXiv:1503.03832, equation 3, with distances that are not squared.
    """
    return F.relu(to_positive - to_negative + margin).sum()
