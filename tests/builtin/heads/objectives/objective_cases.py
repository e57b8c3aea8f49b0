"""Heads with any objective, made as a recipe makes them, with rows, and what sentence-transformers says of both."""

from pathlib import Path

import torch
from sentence_transformers.sentence_transformer import losses
from sentence_transformers.sentence_transformer.losses.batch_hard_triplet import (
    BatchHardTripletLossDistanceFunction as Batch,
)
from sentence_transformers.sentence_transformer.losses.contrastive import SiameseDistanceMetric as Siamese
from sentence_transformers.sentence_transformer.losses.triplet import TripletDistanceMetric as Triplet
from sentence_transformers.util import pairwise_cos_sim

from mtlkit.builtin.embedding_cards import EMBEDDINGS
from mtlkit.builtin.heads.sentence_embedding import build
from mtlkit.catalog.catalog import Entry
from mtlkit.catalog.options import make_options
from mtlkit.contracts.head import HeadContext

SIZE = 6
ENTRY = Entry(EMBEDDINGS[0], "mtlkit", "")


def options(**table):
    return make_options(ENTRY, table, Path())


def head(depth=0, size=SIZE, **table):
    return build(options(**table), HeadContext("t", size, (), depth))


class Model(torch.nn.Module):
    """What sentence-transformers' losses ask of a model: texts are tensors, and their vectors are themselves."""

    module_kwargs = None
    device = torch.device("cpu")

    def __init__(self, size=SIZE):
        super().__init__()
        self.size = size

    def get_embedding_dimension(self):
        return self.size

    def forward(self, features):
        return {**features, "sentence_embedding": features["vectors"]}


def theirs(loss, vectors, labels=None):
    """Their loss of vectors [B, V, D]."""
    columns = [vectors[:, at] for at in range(vectors.shape[1])]
    return loss.compute_loss_from_embeddings(columns, labels)


ROWS = 7
BINARY = [1, 0, 0, 1, 1, 0, 1]
GRADED = [0.9, 0.1, 0.5, 0.5, 0.3, 0.0, 1.0]
MARGINS = [0.5, -0.2, 0.1, 0.0, 1.5, -1.0, 0.7]
GROUPS = ["x", "y", "x", "z", "y", "z", "x"]
TEXTS = ("text", "text_pair", "negative", "worse")


def rows(scores=GRADED):
    return [
        {**{name: f"{name} {at}" for name in TEXTS}, "score": scores[at], "group": GROUPS[at]}
        for at in range(ROWS)
    ]


def numbers(groups):
    return torch.tensor([sorted(set(groups)).index(each) for each in groups])


# name → the head's table, texts of a row, scores, their loss of a model, and whether theirs is a sum
PAIRED = {
    "ranking": (
        {"objective": {"use": "multiple-negatives-ranking", "scale": 13.0}},
        2,
        GRADED,
        lambda m: losses.MultipleNegativesRankingLoss(m, scale=13.0),
    ),
    "ranking with hard negatives": (
        {"negatives": ["negative", "worse"]},
        4,
        GRADED,
        losses.MultipleNegativesRankingLoss,
    ),
    "symmetric ranking": (
        {"objective": {"use": "multiple-negatives-ranking", "symmetric": True}, "negatives": ["negative"]},
        3,
        GRADED,
        lambda m: losses.MultipleNegativesRankingLoss(
            m, directions=("query_to_doc", "doc_to_query"), partition_mode="per_direction"
        ),
    ),
    "cosine-similarity": ({"objective": "cosine-similarity"}, 2, GRADED, losses.CosineSimilarityLoss),
    "cosent": (
        {"objective": {"use": "cosent", "scale": 7.0}},
        2,
        GRADED,
        lambda m: losses.CoSENTLoss(m, scale=7.0),
    ),
    "angle": ({"objective": "angle"}, 2, GRADED, losses.AnglELoss),
    "contrastive": ({"objective": "contrastive"}, 2, BINARY, losses.ContrastiveLoss),
    "contrastive euclidean": (
        {"objective": {"use": "contrastive", "distance": "euclidean", "margin": 4.0}, "normalize": False},
        2,
        BINARY,
        lambda m: losses.ContrastiveLoss(m, Siamese.EUCLIDEAN, 4.0),
    ),
    "contrastive manhattan": (
        {"objective": {"use": "contrastive", "distance": "manhattan", "margin": 7.0}, "normalize": False},
        2,
        BINARY,
        lambda m: losses.ContrastiveLoss(m, Siamese.MANHATTAN, 7.0),
    ),
    "triplet": ({"objective": "triplet"}, 3, GRADED, lambda m: losses.TripletLoss(m, Triplet.COSINE, 0.5)),
    "triplet euclidean": (
        {"objective": {"use": "triplet", "distance": "euclidean", "margin": 5.0}, "normalize": False},
        3,
        GRADED,
        losses.TripletLoss,
    ),
    "triplet manhattan": (
        {"objective": {"use": "triplet", "distance": "manhattan", "margin": 1.0}, "normalize": False},
        3,
        GRADED,
        lambda m: losses.TripletLoss(m, Triplet.MANHATTAN, 1.0),
    ),
    "margin-mse": ({"objective": "margin-mse", "normalize": False}, 3, MARGINS, losses.MarginMSELoss),
    "margin-mse of cosines": (
        {"objective": {"use": "margin-mse", "similarity": "cosine"}},
        3,
        MARGINS,
        lambda m: losses.MarginMSELoss(m, similarity_fct=pairwise_cos_sim),
    ),
    "margin-mse of two negatives": (
        {"objective": "margin-mse", "negatives": ["negative", "worse"], "normalize": False},
        4,
        [[each, each / 2] for each in MARGINS],
        losses.MarginMSELoss,
    ),
}
GROUPED = {
    "hard": ({"use": "batch-triplet", "distance": "euclidean", "margin": 5.0}, losses.BatchHardTripletLoss),
    "hard cosine": (
        {"use": "batch-triplet"},
        lambda m: losses.BatchHardTripletLoss(m, Batch.cosine_distance, 0.5),
    ),
    "soft": (
        {"use": "batch-triplet", "distance": "euclidean", "margin": "soft"},
        losses.BatchHardSoftMarginTripletLoss,
    ),
    "semi-hard": (
        {"use": "batch-triplet", "distance": "euclidean", "triplets": "semi-hard", "margin": 2.0},
        lambda m: losses.BatchSemiHardTripletLoss(m, margin=2.0),
    ),
    "semi-hard cosine": (
        {"use": "batch-triplet", "triplets": "semi-hard"},
        lambda m: losses.BatchSemiHardTripletLoss(m, Batch.cosine_distance, 0.5),
    ),
    "all": (
        {"use": "batch-triplet", "distance": "euclidean", "triplets": "all", "margin": 1.0},
        lambda m: losses.BatchAllTripletLoss(m, margin=1.0),
    ),
    "all cosine": (
        {"use": "batch-triplet", "triplets": "all", "margin": 0.1},
        lambda m: losses.BatchAllTripletLoss(m, Batch.cosine_distance, 0.1),
    ),
}
