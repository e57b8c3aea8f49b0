"""Multiple-negatives ranking: each query's own answer among all answers of the batch.

Shapes: B rows, K columns of candidates, D size of the vectors.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812  the name torch's own documentation uses

from mtlkit.builtin.heads.objectives.targets import MISSING


def ranking_loss(queries: Tensor, candidates: Tensor, keys: Tensor, scale: float) -> Tensor:
    """Σ over i of -log softmax over candidates c of scale · cos(query i, c), at the answer of row i.

    Henderson et al. 2017, arXiv:1705.00652, section 4.4, equation 5, with cosines as in
    sentence-transformers. `candidates` [B, K, D] are the answers and, behind them, texts that are no answers;
    `keys` [B, 1 + K] say which texts of `queries` [B, D] and candidates are the same, `MISSING` where there
    is none. No negative of row i is what is missing, what has the text of its answer, and what answers a
    query of the same text.
    """
    rows = len(queries)
    others = candidates.transpose(0, 1).reshape(-1, candidates.shape[-1])
    scores = scale * F.normalize(queries, dim=-1) @ F.normalize(others, dim=-1).T
    names = keys[:, 1:].T.reshape(-1)
    barred = (names == keys[:, 1:2]) | (names == MISSING)
    barred[:, :rows] |= keys[:, :1] == keys[:, 0]
    barred.fill_diagonal_(False)
    own = torch.arange(rows, device=keys.device)
    return F.cross_entropy(scores.masked_fill(barred, float("-inf")), own, reduction="sum")


def symmetric_ranking_loss(queries: Tensor, candidates: Tensor, keys: Tensor, scale: float) -> Tensor:
    """The mean of `ranking_loss` and that of each answer among all queries (Günther et al. 2023)."""
    there = ranking_loss(queries, candidates, keys, scale)
    back = ranking_loss(candidates[:, 0], queries[:, None], keys[:, [1, 0]], scale)
    return (there + back) / 2
