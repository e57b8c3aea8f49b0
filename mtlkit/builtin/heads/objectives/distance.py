"""Distances of vectors. Shapes: B rows, D size of the vectors."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812  the name torch's own documentation uses

from mtlkit.builtin.heads.objectives.cosine_similarity import cosines
from mtlkit.builtin.heads.objectives.options import Distance


def distances(first: Tensor, second: Tensor, how: Distance) -> Tensor:
    """Of each row [B] of two matrices [B, D]; the gradient between equal vectors is 0."""
    if how == "cosine":
        return 1 - cosines(first, second)
    order = 2 if how == "euclidean" else 1
    found: Tensor = torch.linalg.vector_norm(first - second, order, dim=-1)
    return found


def all_distances(vectors: Tensor, how: Distance) -> Tensor:
    """Of every row to every row [B, B] of a matrix [B, D]."""
    if how == "cosine":
        units = F.normalize(vectors, dim=-1)
        return 1 - units @ units.T
    order = 2.0 if how == "euclidean" else 1.0
    return torch.cdist(vectors, vectors, order, compute_mode="donot_use_mm_for_euclid_dist")
