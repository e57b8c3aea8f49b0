"""Vectors against a teacher's. Shapes: B rows, D size of the vectors."""

from __future__ import annotations

from torch import Tensor


def mse_loss(vectors: Tensor, teacher: Tensor) -> Tensor:
    """Σ over rows of the mean over dimensions of (v - t)², both [B, D].

    Reimers and Gurevych 2020, arXiv:2004.09813, section 3, equation 1, one text at a time.
    """
    return (vectors - teacher).square().mean(-1).sum()
