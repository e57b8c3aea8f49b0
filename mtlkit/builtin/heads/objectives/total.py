"""The loss that an options object of an objective means.

Shapes: B rows, V texts of a row, D size of the vectors, n lower layers.
"""

from __future__ import annotations

from torch import Tensor

from mtlkit.builtin.heads.objectives.adaptive_layer import divergence, layer_weights
from mtlkit.builtin.heads.objectives.angle import angle_similarity
from mtlkit.builtin.heads.objectives.batch_triplet import (
    batch_all_loss,
    batch_hard_loss,
    batch_semi_hard_loss,
)
from mtlkit.builtin.heads.objectives.contrastive import contrastive_loss
from mtlkit.builtin.heads.objectives.cosent import cosent_loss
from mtlkit.builtin.heads.objectives.cosine_similarity import cosine_similarity_loss, cosines
from mtlkit.builtin.heads.objectives.distance import all_distances, distances
from mtlkit.builtin.heads.objectives.gist import gist_loss
from mtlkit.builtin.heads.objectives.margin_mse import margin_mse_loss, margins
from mtlkit.builtin.heads.objectives.matryoshka import cut
from mtlkit.builtin.heads.objectives.mse import mse_loss
from mtlkit.builtin.heads.objectives.online_contrastive import online_contrastive_loss
from mtlkit.builtin.heads.objectives.options import (
    AdaptiveLayerObjective,
    AngleObjective,
    BatchTripletObjective,
    ContrastiveObjective,
    CosentObjective,
    CosineSimilarityObjective,
    GistObjective,
    MarginMseObjective,
    MatryoshkaObjective,
    MseObjective,
    Objective,
    OnlineContrastiveObjective,
    RankingObjective,
    SimcseObjective,
    TripletObjective,
    made,
)
from mtlkit.builtin.heads.objectives.ranking import ranking_loss, symmetric_ranking_loss
from mtlkit.builtin.heads.objectives.targets import EmbeddingTargets
from mtlkit.builtin.heads.objectives.triplet import triplet_loss


def total_loss(objective: Objective, vectors: Tensor, targets: EmbeddingTargets, normalize: bool) -> Tensor:
    """The sum of the loss over B ≥ 1 rows, of vectors [B, V, D] as the head gives them.

    `normalize` is whether the head gives vectors of length 1.
    """
    if isinstance(objective, MatryoshkaObjective):
        inner = made(objective.objective)
        losses = [
            weight * total_loss(inner, cut(vectors, size, normalize), targets, normalize)
            for size, weight in zip(
                objective.dims, objective.weights or [1.0] * len(objective.dims), strict=True
            )
        ]
        return sum(losses[1:], losses[0])
    if isinstance(objective, RankingObjective | GistObjective | SimcseObjective):
        return _ranked(objective, vectors, targets)
    if isinstance(objective, BatchTripletObjective):
        return _grouped(objective, vectors[:, 0], targets.groups)
    if isinstance(objective, MseObjective):
        teacher = cut(targets.vectors[:, 0], vectors.shape[-1], normalize)
        return mse_loss(vectors[:, 0], teacher)
    return _paired(objective, vectors, targets.scores)


def adaptive_loss(
    objective: AdaptiveLayerObjective,
    layers: tuple[int, ...],
    vectors: Tensor,
    targets: EmbeddingTargets,
    normalize: bool,
) -> Tensor:
    """As `total_loss`, of vectors [B, 1 + n, V, D] of the last layer and of those at depths `layers`."""
    inner = made(objective.objective)
    total = objective.last_weight * total_loss(inner, vectors[:, 0], targets, normalize)
    if not layers:
        return total
    for number, weight in enumerate(layer_weights(layers, objective), start=1):
        total = total + weight * total_loss(inner, vectors[:, number], targets, normalize)
    return total + divergence(vectors[:, 1:], vectors[:, 0], objective)


def _ranked(
    objective: RankingObjective | GistObjective | SimcseObjective, vectors: Tensor, targets: EmbeddingTargets
) -> Tensor:
    if isinstance(objective, GistObjective):
        return gist_loss(vectors, targets.vectors, targets.keys, objective)
    symmetric = isinstance(objective, RankingObjective) and objective.symmetric
    loss = symmetric_ranking_loss if symmetric else ranking_loss
    return loss(vectors[:, 0], vectors[:, 1:], targets.keys, objective.scale)


def _grouped(objective: BatchTripletObjective, vectors: Tensor, groups: Tensor) -> Tensor:
    apart = all_distances(vectors, objective.distance)
    if objective.margin == "soft" or objective.triplets == "hard":
        return batch_hard_loss(apart, groups, objective.margin)
    loss = batch_semi_hard_loss if objective.triplets == "semi-hard" else batch_all_loss
    return loss(apart, groups, objective.margin)


def _paired(objective: Objective, vectors: Tensor, scores: Tensor) -> Tensor:
    first, second = vectors[:, 0], vectors[:, 1]
    if isinstance(objective, CosineSimilarityObjective):
        return cosine_similarity_loss(first, second, scores[:, 0])
    if isinstance(objective, CosentObjective):
        return cosent_loss(cosines(first, second), scores[:, 0], objective.scale)
    if isinstance(objective, AngleObjective):
        return cosent_loss(angle_similarity(first, second), scores[:, 0], objective.scale)
    if isinstance(objective, MarginMseObjective):
        return margin_mse_loss(margins(vectors, objective), scores)
    if isinstance(objective, ContrastiveObjective | OnlineContrastiveObjective | TripletObjective):
        apart = distances(first, second, objective.distance)
        if isinstance(objective, TripletObjective):
            return triplet_loss(apart, distances(first, vectors[:, 2], objective.distance), objective.margin)
        online = isinstance(objective, OnlineContrastiveObjective)
        loss = online_contrastive_loss if online else contrastive_loss
        return loss(apart, scores[:, 0], objective.margin)
    raise TypeError(f"{type(objective).__name__} is no objective of vectors alone")
