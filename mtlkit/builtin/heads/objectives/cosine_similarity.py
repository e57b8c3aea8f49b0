"""The cosine of two texts against a score. Shapes: B rows, D size of the vectors."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F  # noqa: N812  the name torch's own documentation uses


def cosines(first: Tensor, second: Tensor) -> Tensor:
    """The cosines [B] of vectors [B, D]; 0 where one of them is 0."""
    return (F.normalize(first, dim=-1) * F.normalize(second, dim=-1)).sum(-1)


def cosine_similarity_loss(first: Tensor, second: Tensor, scores: Tensor) -> Tensor:
    """Σ (cos - score)²: Reimers and Gurevych 2019, section 3. `scores` is [B]."""
    return (cosines(first, second) - scores).square().sum()
