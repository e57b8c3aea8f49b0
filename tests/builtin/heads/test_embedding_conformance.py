"""The laws of the conformance kit about heads, of `sentence-embedding` with every objective."""

import pytest

from mtlkit.builtin.embedding_cards import EMBEDDINGS
from mtlkit.catalog.catalog import Entry
from mtlkit.testing.kinds import contract
from mtlkit.testing.runner import attempt
from mtlkit.testing.subject import Subject

GIST = {"use": "gist", "guide": ["guide.0", "guide.1", "guide.2"], "margin": 0.1}
TABLES = {
    "ranking": {"dim": 3, "negatives": ["x", "y"]},
    "symmetric ranking": {
        "objective": {"use": "multiple-negatives-ranking", "symmetric": True},
        "cached": True,
    },
    "gist": {"objective": GIST, "negatives": ["negative"]},
    "angle": {"objective": "angle", "dim": 5, "pooling": "attention"},
    "contrastive": {"objective": "contrastive", "layers": "mix"},
    "online-contrastive": {"objective": "online-contrastive"},
    "triplet": {"objective": {"use": "triplet", "distance": "euclidean", "margin": 5.0}, "normalize": False},
    "hard triplets": {"objective": {"use": "batch-triplet", "margin": "soft"}},
    "semi-hard triplets": {
        "objective": {"use": "batch-triplet", "triplets": "semi-hard", "distance": "manhattan"}
    },
    "all triplets": {"objective": {"use": "batch-triplet", "triplets": "all"}},
    "margin-mse": {"objective": "margin-mse", "negatives": ["x", "y"]},
    "mse": {"objective": {"use": "mse", "size": 4}, "dim": 4},
    "simcse": {"objective": "simcse"},
    "denoising": {"objective": "denoising"},
    "denoising, projected": {"objective": {"use": "denoising", "deleted": 0.3}, "dim": 3, "layers": [0, 2]},
    "matryoshka": {"objective": {"use": "matryoshka", "dims": [8, 3], "objective": "cosent"}},
    "adaptive-layer": {
        "objective": {"use": "adaptive-layer", "layers": [0, 2], "objective": "cosine-similarity"}
    },
    "both": {
        "objective": {"use": "adaptive-layer", "objective": {"use": "matryoshka", "dims": [4]}},
        "dim": 5,
    },
}
LEARNING = {"H10", "H22"}
CORNERS = slice(1, 4)


@pytest.mark.parametrize("name", TABLES)
def test_the_laws_of_heads_hold(name):
    subject = Subject(Entry(EMBEDDINGS[0], "mtlkit", ""), "head/sentence-embedding", TABLES[name])
    tried = 0
    for law in contract("head"):
        if law.id.startswith("H") and law.id not in LEARNING and not law.applies(subject):
            for values in list(law.corners(subject))[CORNERS] or list(law.corners(subject)):
                assert attempt(law, subject, values) == "", f"{law.id} {law.name} {dict(values)}"
                tried += 1
    assert tried > 40
