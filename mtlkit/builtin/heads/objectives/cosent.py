"""CoSENT: the order of similarities against the order of scores. Shapes: B rows."""

from __future__ import annotations

import torch
from torch import Tensor


def cosent_loss(similarities: Tensor, scores: Tensor, scale: float) -> Tensor:
    """B · log(1 + Σ exp(scale · (s_i - s_j))) over the pairs where score_i < score_j.

    Huang et al. 2024; Su 2022, "CoSENT (1)". The loss is one number for the batch; the factor B makes its
    mean that number. `similarities` and `scores` are [B].
    """
    scaled = scale * similarities
    gaps = (scaled[:, None] - scaled[None, :])[scores[:, None] < scores[None, :]]
    return len(scores) * torch.logsumexp(torch.cat([scaled.new_zeros(1), gaps]), 0) + 0.0 * scaled.sum()
