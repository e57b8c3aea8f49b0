import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from mtlkit.builtin.metrics.f1 import macro, macro_f1, micro_f1, weighted_f1

PAIRS = st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from("abcd")), min_size=1, max_size=25)


@pytest.mark.parametrize(
    ("made", "average"), [(macro_f1, "macro"), (micro_f1, "micro"), (weighted_f1, "weighted")]
)
@given(PAIRS, st.data())
def test_f1_is_that_of_scikit_learn_on_any_selection(made, average, pairs, data):
    predicted, gold = map(np.asarray, zip(*pairs, strict=True))
    measure = made(predicted.tolist(), gold.tolist())
    chosen = data.draw(st.lists(st.integers(0, len(pairs) - 1), min_size=1))
    wanted = f1_score(gold[chosen], predicted[chosen], average=average, zero_division=0)
    assert np.isclose(measure.compute(measure.records[chosen]), wanted)


def test_classes_have_the_numbers_of_the_head_then_of_the_alphabet():
    measure = macro_f1(["b", "z"], ["a", "y"], ["b", "a"])
    assert measure.records.tolist() == [[0, 1], [3, 2]]


def test_no_class_at_all_is_0():
    assert macro(*np.zeros((3, 2))) == 0.0
