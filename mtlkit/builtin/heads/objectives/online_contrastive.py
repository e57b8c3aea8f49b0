"""Contrastive, of the hard pairs of a batch alone. Shapes: B rows."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F  # noqa: N812  the name torch's own documentation uses


def online_contrastive_loss(distances: Tensor, together: Tensor, margin: float) -> Tensor:
    """Σ d² of the hard pairs that belong together + Σ max(0, margin - d)² of the other hard ones.

    Hard are, of those that belong together, the ones further apart than the nearest other pair, and of the
    others the ones nearer than the furthest that belongs together; where there are none of the other kind,
    those beyond the mean of their own. sentence-transformers' OnlineContrastiveLoss, of which this is the
    value, not a mean. `distances` and `together` are [B], see `contrastive_loss`.
    """
    close, apart = distances[together == 1], distances[together == 0]
    if not len(close):
        close_end, apart_start = close.new_zeros(()), apart.mean()
    elif not len(apart):
        close_end, apart_start = close.mean(), apart.new_zeros(())
    else:
        close_end, apart_start = apart.min(), close.max()
    pulled = close[close > close_end].square().sum()
    pushed = F.relu(margin - apart[apart < apart_start]).square().sum()
    return pulled + pushed
