import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import ndcg_score, top_k_accuracy_score

from mtlkit.builtin.metrics import retrieval
from mtlkit.builtin.metrics.retrieval import accuracy_at, mean_reciprocal_rank, ndcg_at, ranks


@settings(max_examples=60)
@given(st.integers(1, 20), st.integers(0, 99))
def test_ranks_are_places_in_the_sorted_candidates(count, seed):
    random = np.random.default_rng(seed)
    queries, answers = random.normal(size=(2, count, 4))
    found = ranks(queries, answers, [str(n) for n in range(count)])
    order = np.argsort(-queries @ answers.T, axis=1)
    assert found.tolist() == [row.tolist().index(place) + 1 for place, row in enumerate(order)]
    assert accuracy_at(found, 1).compute(found[:, None]) == np.mean(order[:, 0] == np.arange(count))
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


@settings(max_examples=40, deadline=None)
@given(st.integers(3, 12), st.integers(0, 99), st.integers(1, 6))
def test_gain_and_accuracy_among_the_first_are_those_of_scikit_learn(count, seed, places):
    random = np.random.default_rng(seed)
    queries, answers = random.normal(size=(2, count, 4))
    found, scores = ranks(queries, answers, [str(n) for n in range(count)]), queries @ answers.T
    gain, accuracy = ndcg_at(found, places), accuracy_at(found, places)
    assert np.isclose(gain.compute(gain.records), ndcg_score(np.eye(count), scores, k=places))
    if places < count:  # scikit-learn warns where every place counts
        wanted = top_k_accuracy_score(range(count), scores, k=places, labels=range(count))
        assert np.isclose(accuracy.compute(accuracy.records), wanted)
    assert (gain.name, accuracy.name) == (f"ndcg@{places}", f"accuracy@{places}")
