import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score

from mtlkit.builtin.metrics.accuracy import accuracy, token_accuracy

PAIRS = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc")), min_size=1, max_size=20)


@given(PAIRS)
def test_accuracy_is_that_of_scikit_learn(pairs):
    predicted, gold = zip(*pairs, strict=True)
    measure = accuracy(predicted, gold)
    assert np.isclose(measure.compute(measure.records), accuracy_score(gold, predicted))
    assert measure.higher_is_better
    half = measure.records[::2]
    assert np.isclose(measure.compute(half), accuracy_score(gold[::2], predicted[::2]))


@given(st.lists(PAIRS, min_size=1, max_size=5))
def test_token_accuracy_counts_words(sentences):
    predicted, gold = zip(*(zip(*pairs, strict=True) for pairs in sentences), strict=True)
    measure = token_accuracy(predicted, gold)
    wanted = accuracy_score([*sum(gold, ())], [*sum(predicted, ())])
    assert np.isclose(measure.compute(measure.records), wanted)


def test_words_without_tag_do_not_count():
    measure = token_accuracy([["a", "b"], ["a"]], [["a", None], [None]])
    assert measure.records.tolist() == [[1, 1], [0, 0]]
    assert measure.compute(measure.records) == 1.0
    assert measure.compute(measure.records[1:]) == 0.0
