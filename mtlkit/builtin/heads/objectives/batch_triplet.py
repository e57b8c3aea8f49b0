"""Triplets made of the rows of a batch and their groups. Shapes: B rows.

Each loss is B times what sentence-transformers' loss of that name gives, so that its mean is that number.
`apart` [B, B] are the distances of all rows, `groups` [B] numbers. A row without another of its group, or
without one of another group, is an anchor of nothing.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812  the name torch's own documentation uses

Margin = float | Literal["soft"]


def batch_hard_loss(apart: Tensor, groups: Tensor, margin: Margin) -> Tensor:
    """Σ over anchors of the hinge of their furthest positive and nearest negative.

    Hermans et al. 2017, arXiv:1703.07737, equation 5; margin "soft": log(1 + exp), section 2.
    """
    positive, negative = _pairs(groups)
    furthest = apart.masked_fill(~positive, float("-inf")).amax(1)
    nearest = apart.masked_fill(~negative, float("inf")).amin(1)
    anchors = positive.any(1) & negative.any(1)
    gaps = (furthest - nearest)[anchors]
    return (F.softplus(gaps) if margin == "soft" else F.relu(gaps + margin)).sum()


def batch_semi_hard_loss(apart: Tensor, groups: Tensor, margin: float) -> Tensor:
    """B times the mean over pairs of a group of the hinge with their semi-hard negative.

    That is the nearest negative further away than the positive, else the furthest: Schroff et al. 2015,
    arXiv:1503.03832, section 3.2.
    """
    positive, negative = _pairs(groups)
    rows, positives = (positive & negative.any(1, keepdim=True)).nonzero(as_tuple=True)
    pairs = apart[rows, positives]
    candidates = apart[rows].masked_fill(~negative[rows], float("nan"))
    outside = candidates > pairs.detach()[:, None]
    nearest_outside = candidates.masked_fill(~outside, float("inf")).amin(1) if len(rows) else pairs
    furthest = candidates.masked_fill(~negative[rows], float("-inf")).amax(1) if len(rows) else pairs
    chosen = torch.where(outside.any(1), nearest_outside, furthest)
    return len(groups) * F.relu(pairs - chosen + margin).sum() / max(len(rows), 1)


def batch_all_loss(apart: Tensor, groups: Tensor, margin: float) -> Tensor:
    """B times the mean of the hinge over all triplets that are within the margin.

    Hermans et al. 2017, arXiv:1703.07737, equation 6, section 4.1 ("batch all, non-zero").
    """
    positive, negative = _pairs(groups)
    rows, positives = positive.nonzero(as_tuple=True)
    gaps = apart[rows, positives][:, None] - apart[rows] + margin
    within = F.relu(gaps.masked_fill(~negative[rows], 0.0))
    return len(groups) * within.sum() / (within > 0).sum().clamp(min=1)


def _pairs(groups: Tensor) -> tuple[Tensor, Tensor]:
    """Which rows are positives and which negatives of a row: [B, B] each."""
    same = groups[:, None] == groups[None, :]
    itself = torch.eye(len(groups), dtype=torch.bool, device=groups.device)
    return same & ~itself, ~same
