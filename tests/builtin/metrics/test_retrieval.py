import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from mtlkit.builtin.metrics import retrieval
from mtlkit.builtin.metrics.retrieval import accuracy_at_1, mean_reciprocal_rank, ranks


@settings(max_examples=60)
@given(st.integers(1, 20), st.integers(0, 99))
def test_ranks_are_places_in_the_sorted_candidates(count, seed):
    random = np.random.default_rng(seed)
    queries, answers = random.normal(size=(2, count, 4))
    found = ranks(queries, answers, [str(n) for n in range(count)])
    order = np.argsort(-queries @ answers.T, axis=1)
    assert found.tolist() == [row.tolist().index(place) + 1 for place, row in enumerate(order)]
    assert accuracy_at_1(found).compute(found[:, None]) == np.mean(order[:, 0] == np.arange(count))
    assert np.isclose(mean_reciprocal_rank(found).compute(found[:, None]), np.mean(1 / found))


def test_answers_of_equal_text_are_one_candidate():
    eye = np.eye(3)
    answers = np.stack([eye[0], eye[0], eye[1]])
    assert ranks(np.stack([eye[0], eye[0], eye[1]]), answers, ["x", "x", "y"]).tolist() == [1, 1, 1]
    assert ranks(np.stack([eye[0], eye[0], eye[0]]), answers, ["x", "x", "y"]).tolist() == [1, 1, 2]


def test_vectors_that_are_all_equal_retrieve_nothing():
    same = np.ones((4, 2))
    assert ranks(same, same, list("abcd")).tolist() == [4, 4, 4, 4]


def test_large_sets_are_ranked_in_pieces(monkeypatch):
    queries, answers = np.random.default_rng(0).normal(size=(2, 10, 4))
    whole = ranks(queries, answers, list("abcdefghij"))
    monkeypatch.setattr(retrieval, "_CHUNK", 3)
    assert ranks(queries, answers, list("abcdefghij")).tolist() == whole.tolist()
