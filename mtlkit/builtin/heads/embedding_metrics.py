"""Metrics of `sentence-embedding`, by what its objective measures.

Shapes: N rows of an evaluation set that have all they need, V texts of a row, D size of the vectors.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

import attrs
from torch import Tensor
from torch.nn import functional as F  # noqa: N812  the name torch's own documentation uses

from mtlkit.builtin.heads.embedding_options import SentenceEmbedding
from mtlkit.builtin.heads.objectives.cosine_similarity import cosines
from mtlkit.builtin.heads.objectives.distance import all_distances, distances
from mtlkit.builtin.heads.objectives.margin_mse import margins
from mtlkit.builtin.heads.objectives.matryoshka import cut
from mtlkit.builtin.heads.objectives.options import (
    RETRIEVAL,
    SIMILARITY,
    BatchTripletObjective,
    ContrastiveObjective,
    MarginMseObjective,
    MseObjective,
    OnlineContrastiveObjective,
    TripletObjective,
    cut_to,
)
from mtlkit.builtin.heads.objectives.targets import EmbeddingTargets
from mtlkit.builtin.metrics.average_precision import average_precision
from mtlkit.builtin.metrics.choice import of_numbers, of_ranks
from mtlkit.builtin.metrics.distance import mean_absolute_error, root_mean_squared_error
from mtlkit.builtin.metrics.isotropy import anisotropy
from mtlkit.builtin.metrics.measured import column, mean, measured
from mtlkit.builtin.metrics.names import RankMetric
from mtlkit.builtin.metrics.pairs import best_accuracy
from mtlkit.builtin.metrics.retrieval import ranks
from mtlkit.builtin.metrics.same_group import group_ranks
from mtlkit.contracts.data import Value
from mtlkit.contracts.head import Measure

RANKS: tuple[RankMetric, ...] = get_args(RankMetric)


def embedding_measures(
    options: SentenceEmbedding, vectors: Tensor, targets: EmbeddingTargets, answers: Sequence[Value]
) -> tuple[Measure, ...]:
    """What `options.metrics()` announces, of vectors [N, V, D] in double precision, N ≥ 1.

    `answers` are the second texts, where the objective has any. With a matryoshka, its first metric is
    measured at each of the dimensions too.
    """
    found = _measures(options, vectors, targets, answers)
    for size in cut_to(options.objective):
        short = cut(vectors, size, options.normalize)
        first = _measures(options, short, targets, answers)[0]
        found = (*found, attrs.evolve(first, name=f"{first.name}-{size}d"))
    return found


def _measures(
    options: SentenceEmbedding, vectors: Tensor, targets: EmbeddingTargets, answers: Sequence[Value]
) -> tuple[Measure, ...]:
    """Those that are asked for, in that order."""
    found = {each.name: each for each in _possible(options, vectors, targets, answers)}
    return tuple(found[name] for name in options.chosen())


def _possible(
    options: SentenceEmbedding, vectors: Tensor, targets: EmbeddingTargets, answers: Sequence[Value]
) -> tuple[Measure, ...]:
    inner, first = options.inner, vectors[:, 0]
    units = F.normalize(vectors, dim=-1).numpy()
    if inner.measures == RETRIEVAL:
        return of_ranks(RANKS, ranks(units[:, 0], units[:, 1], [str(each) for each in answers]))
    if inner.measures == SIMILARITY:
        scores = targets.scores[:, 0].numpy()
        return of_numbers(SIMILARITY, cosines(first, vectors[:, 1]).numpy(), scores)
    if isinstance(inner, ContrastiveObjective | OnlineContrastiveObjective):
        nearness = -distances(first, vectors[:, 1], inner.distance).numpy()
        together = targets.scores[:, 0].numpy()
        return average_precision(nearness, together), best_accuracy(nearness, together)
    if isinstance(inner, BatchTripletObjective):
        return of_ranks(
            RANKS, group_ranks(-all_distances(first, inner.distance).numpy(), targets.groups.numpy())
        )
    if isinstance(inner, TripletObjective | MarginMseObjective):
        return _of_triplets(inner, vectors, targets)
    if isinstance(inner, MseObjective):
        return _of_teacher(vectors[:, 0], cut(targets.vectors[:, 0], vectors.shape[-1], options.normalize))
    return (anisotropy(units[:, 0]),)


def _of_triplets(
    inner: TripletObjective | MarginMseObjective, vectors: Tensor, targets: EmbeddingTargets
) -> tuple[Measure, ...]:
    if isinstance(inner, TripletObjective):
        near, far = (distances(vectors[:, 0], vectors[:, at], inner.distance) for at in (1, 2))
        return (_triplet_accuracy((far - near)[:, None]),)
    found = margins(vectors, inner)
    errors = (found - targets.scores).abs().mean(-1).numpy()
    return _triplet_accuracy(found), mean_absolute_error(errors, 0.0 * errors)


def _triplet_accuracy(gaps: Tensor) -> Measure:
    """The share of rows whose answer is nearer than every negative; `gaps` [N, V - 2] are above 0 then."""
    return measured("triplet-accuracy", column((gaps > 0).all(1).numpy()), mean)


def _of_teacher(vectors: Tensor, teacher: Tensor) -> tuple[Measure, ...]:
    """The mean cosine with the teacher's vectors, and the root of the mean squared difference."""
    errors = (vectors - teacher).square().mean(-1).sqrt().numpy()
    similar = measured("cosine", column(cosines(vectors, teacher).numpy()), mean)
    return similar, root_mean_squared_error(errors, 0.0 * errors)
