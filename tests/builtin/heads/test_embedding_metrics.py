"""What each objective measures, by hand-made vectors and by scikit-learn."""

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.metrics import accuracy_score, average_precision_score
from sklearn.neighbors import KNeighborsClassifier

from mtlkit.builtin.embedding_cards import EMBEDDINGS
from mtlkit.builtin.heads.sentence_embedding import build
from mtlkit.builtin.metrics.isotropy import anisotropy
from mtlkit.builtin.metrics.pairs import best_accuracy
from mtlkit.builtin.metrics.same_group import group_ranks
from mtlkit.catalog.catalog import Entry
from mtlkit.catalog.options import make_options
from mtlkit.contracts.head import HeadContext

ROWS, SIZE = 12, 4


def measured(rows, vectors, **table):
    options = make_options(Entry(EMBEDDINGS[0], "mtlkit", ""), table, Path())
    head = build(options, HeadContext("t", SIZE, (), 2))
    found = head.metrics(list(vectors), rows)
    assert tuple(each.name for each in found) == options.metrics()
    return {each.name: each.compute(each.records) for each in found}


def drawn(texts, seed=0):
    return np.random.default_rng(seed).normal(size=(ROWS, texts, SIZE))


def rows(**columns):
    names = ("text", "text_pair", "negative", "worse")
    return [
        {**{name: f"{name} {at}" for name in names}, **{key: each[at] for key, each in columns.items()}}
        for at in range(ROWS)
    ]


def test_pairs():
    together, vectors = [at % 2 for at in range(ROWS)], drawn(2)
    units = vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
    cosines = (units[:, 0] * units[:, 1]).sum(-1)
    found = measured(rows(score=together), vectors, objective="contrastive")
    assert found["ap"] == pytest.approx(average_precision_score(together, cosines))
    cuts = [-2, *cosines]
    best = max(accuracy_score(together, cosines > cut) for cut in cuts)
    assert found["best-accuracy"] == pytest.approx(best)


@pytest.mark.parametrize(
    ("scores", "together", "best"),
    [
        ([1, 2, 3], [0, 0, 1], 1),
        ([3, 2, 1], [0, 0, 1], 2 / 3),
        ([1, 1, 1, 1], [1, 1, 1, 0], 3 / 4),
        ([1], [0], 1),
    ],
)
def test_the_best_accuracy(scores, together, best):
    found = best_accuracy(np.asarray(scores), np.asarray(together))
    assert found.compute(found.records) == pytest.approx(best)


def test_groups():
    groups, vectors = [f"g{at % 3}" for at in range(ROWS)], drawn(1)
    found = measured(
        rows(group=groups),
        vectors,
        objective={"use": "batch-triplet", "distance": "euclidean"},
        normalize=False,
    )
    right = []
    for at in range(ROWS):
        others = [other for other in range(ROWS) if other != at]
        near = KNeighborsClassifier(1).fit(vectors[others, 0], [groups[other] for other in others])
        right.append(near.predict(vectors[at : at + 1, 0])[0] == groups[at])
    assert found["accuracy@1"] == pytest.approx(np.mean(right))
    assert found["accuracy@1"] < found["mrr"] < 1
    asked = measured(rows(), drawn(2), metrics=["ndcg@3", "accuracy@5"])
    assert list(asked) == ["ndcg@3", "accuracy@5"]
    assert 0 < asked["ndcg@3"] < asked["accuracy@5"] < 1


def test_ranks_of_groups():
    nearness = -np.abs(np.subtract.outer([0, 1, 3, 9], [0, 1, 3, 9])).astype(float)
    assert group_ranks(nearness, np.asarray([1, 2, 1, 3])).tolist() == [2, 4, 2, 4]
    assert group_ranks(np.zeros((3, 3)), np.asarray([1, 1, 2])).tolist() == [2, 2, 3]


def test_triplets_and_margins():
    vectors = drawn(4)
    near, one, other = ((vectors[:, 0] * vectors[:, at]).sum(-1) for at in (1, 2, 3))
    margins = [[0.5, -0.5]] * ROWS
    found = measured(
        rows(score=margins), vectors, objective="margin-mse", negatives=["negative", "worse"], normalize=False
    )
    assert found["triplet-accuracy"] == np.mean((near > one) & (near > other))
    wanted = np.abs(np.stack([near - one, near - other], 1) - margins[0]).mean()
    assert found["mae"] == pytest.approx(wanted)
    apart = [np.abs(vectors[:, 0] - vectors[:, at]).sum(-1) for at in (1, 2)]
    table = {"objective": {"use": "triplet", "distance": "manhattan", "margin": 9.0}, "normalize": False}
    assert measured(rows(), vectors[:, :3], **table) == {"triplet-accuracy": np.mean(apart[0] < apart[1])}


def test_teachers():
    vectors, teacher = drawn(1), drawn(1, seed=1)[:, 0]
    found = measured(
        rows(teacher=teacher.tolist()), vectors, objective={"use": "mse", "size": SIZE}, normalize=False
    )
    assert found["rmse"] == pytest.approx(np.sqrt(((vectors[:, 0] - teacher) ** 2).mean()), rel=1e-5)
    lengths = np.linalg.norm(vectors[:, 0], axis=-1) * np.linalg.norm(teacher, axis=-1)
    assert found["cosine"] == pytest.approx(np.mean((vectors[:, 0] * teacher).sum(-1) / lengths), rel=1e-5)


def test_short_vectors():
    scores, vectors = np.linspace(0, 1, ROWS), drawn(2)
    found = measured(
        rows(score=scores), vectors, objective={"use": "matryoshka", "dims": [2], "objective": "angle"}
    )
    short = vectors[..., :2] / np.linalg.norm(vectors[..., :2], axis=-1, keepdims=True)
    cosines = (short[:, 0] * short[:, 1]).sum(-1)
    assert found["spearman-2d"] == pytest.approx(spearmanr(cosines, scores).statistic)
    assert found["spearman-2d"] != found["spearman"]


def test_anisotropy():
    vectors = drawn(1)[:, 0]
    vectors /= np.linalg.norm(vectors, axis=-1, keepdims=True)
    table = vectors @ vectors.T
    found = anisotropy(vectors)
    assert found.compute(found.records) == pytest.approx((table.sum() - ROWS) / (ROWS * (ROWS - 1)))
    assert not found.higher_is_better
    same = anisotropy(np.tile(vectors[:1], (5, 1)))
    assert same.compute(same.records) == pytest.approx(1)
    assert anisotropy(vectors[:1]).compute(vectors[:1]) == 0
