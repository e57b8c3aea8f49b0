"""Margin-MSE: differences of similarities against a teacher's. Shapes: B rows, N negatives of each."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F  # noqa: N812  the name torch's own documentation uses

from mtlkit.builtin.heads.objectives.options import MarginMseObjective


def margins(vectors: Tensor, options: MarginMseObjective) -> Tensor:
    """How much more similar the first text is to the second than to each negative, [B, N].

    `vectors` [B, 2 + N, D] are those of the first text, the second one and the negatives.
    """
    if options.similarity == "cosine":
        vectors = F.normalize(vectors, dim=-1)
    similarities = (vectors[:, :1] * vectors[:, 1:]).sum(-1)
    return similarities[:, :1] - similarities[:, 1:]


def margin_mse_loss(found: Tensor, wanted: Tensor) -> Tensor:
    """Σ over rows of the mean over negatives of (margin - teacher's margin)², both [B, N].

    Hofstätter et al. 2020, arXiv:2010.02666, equation 8.
    """
    return (found - wanted).square().mean(-1).sum()
