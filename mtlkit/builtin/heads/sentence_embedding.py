"""The head `sentence-embedding`: two texts, two vectors, a loss on their cosines.

Shapes: B rows, D size of the vectors.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from math import isfinite, nan
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  the name torch's own documentation uses

from mtlkit.builtin.heads.options import SentenceEmbedding
from mtlkit.builtin.metrics.correlation import pearson, spearman
from mtlkit.builtin.metrics.retrieval import accuracy_at_1, mean_reciprocal_rank, ranks
from mtlkit.contracts.backbone import Features
from mtlkit.contracts.data import Record, Value
from mtlkit.contracts.head import HeadContext, LossTerm, Measure
from mtlkit.errors import DataError

MISSING = 0


class SentenceEmbeddingHead(nn.Module):
    """A bi-encoder's head; without a projection it has no weights.

    `batch_coupled`: whether the loss of a row depends on the other rows of its batch.
    """

    needs: Literal["pooled"] = "pooled"

    def __init__(self, options: SentenceEmbedding, context: HeadContext) -> None:
        super().__init__()
        self.options, self.pooling, self.task = options, options.pooling, context.task
        self.views: tuple[tuple[str, ...], ...] = ((options.first,), (options.second,))
        self.ranking = options.objective == "multiple-negatives-ranking"
        self.batch_coupled = options.objective != "cosine-similarity"
        self.projection = nn.Linear(context.hidden_size, options.dim) if options.dim else None

    def targets(self, rows: Sequence[Record]) -> Tensor:
        """Ranking: keys [B, 2] of the two texts; otherwise scores [B]. 0 and NaN stand for missing.

        Raises:
            DataError: when a score is not a finite number.
        """
        if self.ranking:
            keys = [self._keys(row) for row in rows]
            return torch.tensor(keys, dtype=torch.long).reshape(len(rows), 2)
        return torch.tensor([self._score(row) for row in rows], dtype=torch.float32)

    def count(self, targets: Tensor) -> float:
        """The rows with both texts and, where the loss needs it, a score."""
        return float(_known(targets).sum())

    def forward(self, features: Sequence[Features]) -> Tensor:
        """Vectors [B, 2, D] of the first and the second texts."""
        pooled = [view.pooled for view in features if view.pooled is not None]
        if len(pooled) != len(self.views):
            raise TypeError("sentence-embedding needs two pooled views")
        vectors = torch.stack(pooled, 1)
        if self.projection is not None:
            vectors = self.projection(vectors)
        return F.normalize(vectors, dim=-1) if self.options.normalize else vectors

    def loss(self, output: Tensor, targets: Tensor) -> LossTerm:
        """The loss of the objective, summed over the rows that have all it needs."""
        known = _known(targets)
        wide = torch.promote_types(output.dtype, torch.float32)
        # A cosine of half precision, times the scale, would be wrong in its first digit after the point.
        with torch.autocast(output.device.type, enabled=False):
            vectors = F.normalize(output[known].to(wide), dim=-1)
            total = self._total(vectors[:, 0], vectors[:, 1], targets[known])
        return LossTerm(total, float(known.sum()))

    def decode(self, output: Tensor) -> list[np.ndarray]:
        """The pair of vectors [2, D] of each row."""
        return list(output.detach().float().cpu().numpy())

    def metrics(self, predictions: Sequence[np.ndarray], rows: Sequence[Record]) -> tuple[Measure, ...]:
        """Accuracy@1 and MRR of first → second; with scores, Spearman's and Pearson's correlation."""
        known = np.flatnonzero(_known(self.targets(rows)).numpy()).tolist()
        if not known:
            return ()
        vectors = np.asarray([predictions[place] for place in known], np.float64)
        vectors /= np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)
        if self.ranking:
            texts = [str(rows[place][self.options.second]) for place in known]
            found = ranks(vectors[:, 0], vectors[:, 1], texts)
            return accuracy_at_1(found), mean_reciprocal_rank(found)
        cosines = (vectors[:, 0] * vectors[:, 1]).sum(-1)
        scores = np.asarray([float(rows[place][self.options.score]) for place in known])
        return spearman(cosines, scores), pearson(cosines, scores)

    def _total(self, first: Tensor, second: Tensor, wanted: Tensor) -> Tensor:
        scale = self.options.scale
        if self.options.objective == "cosine-similarity":
            return cosine_similarity_loss(first, second, wanted)
        if self.options.objective == "cosent":
            return cosent_loss(first, second, wanted, scale)
        total = ranking_loss(first, second, wanted[:, 1], scale)
        if self.options.symmetric:
            total = (total + ranking_loss(second, first, wanted[:, 0], scale)) / 2
        return total

    def _keys(self, row: Record) -> tuple[int, int]:
        first, second = _key(row.get(self.options.first)), _key(row.get(self.options.second))
        return (first, second) if first and second else (MISSING, MISSING)

    def _score(self, row: Record) -> float:
        value = row.get(self.options.score)
        if value is None or value == "" or not all(self._keys(row)):
            return nan
        try:
            score = float(value)
        except (TypeError, ValueError):
            score = nan
        if not isfinite(score):
            message = f"task {self.task!r}: the {self.options.score} {value!r} is not a number"
            raise DataError(message, "scores are numbers such as 0.5")
        return score


def ranking_loss(queries: Tensor, answers: Tensor, keys: Tensor, scale: float) -> Tensor:
    """Multiple-negatives ranking: Σ over i of -log softmax_j(scale · cos(query i, answer j)) at j = i.

    Henderson et al. 2017, section 4.4, equation 5, with cosines as in sentence-transformers. An answer
    of the same text (the same `keys` entry) as row i's is right for i too, so it is no negative of i.
    `queries` and `answers` [B, D] are of length 1, `keys` is [B].
    """
    scores = scale * queries @ answers.T
    own = torch.eye(len(keys), dtype=torch.bool, device=keys.device)
    same = (keys[:, None] == keys[None, :]) & ~own
    diagonal = torch.arange(len(keys), device=keys.device)
    return F.cross_entropy(scores.masked_fill(same, float("-inf")), diagonal, reduction="sum")


def cosent_loss(first: Tensor, second: Tensor, scores: Tensor, scale: float) -> Tensor:
    """CoSENT: B · log(1 + Σ exp(scale · (cos_i - cos_j))) over the pairs where score_i < score_j.

    Su 2022, "CoSENT (1)". The loss is one number for the batch; the factor B makes its mean that number.
    `first` and `second` [B, D] are of length 1, `scores` is [B].
    """
    cosines = scale * (first * second).sum(-1)
    gaps = (cosines[:, None] - cosines[None, :])[scores[:, None] < scores[None, :]]
    return len(scores) * torch.logsumexp(torch.cat([cosines.new_zeros(1), gaps]), 0) + 0.0 * cosines.sum()


def cosine_similarity_loss(first: Tensor, second: Tensor, scores: Tensor) -> Tensor:
    """Σ (cos - score)², the loss of Reimers and Gurevych 2019, section 3, for regression.

    `first` and `second` [B, D] are of length 1, `scores` is [B].
    """
    return ((first * second).sum(-1) - scores).square().sum()


def _known(targets: Tensor) -> Tensor:
    return ~targets.isnan() if targets.is_floating_point() else targets[:, 0] != MISSING


def _key(text: Value) -> int:
    if text is None or text == "":
        return MISSING
    digest = blake2b(str(text).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True) or 1
