import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from mtlkit.builtin.metrics.f1 import macro_f1

PAIRS = st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from("abcd")), min_size=1, max_size=25)


@given(PAIRS, st.data())
def test_macro_f1_is_that_of_scikit_learn_on_any_selection(pairs, data):
    predicted, gold = map(np.asarray, zip(*pairs, strict=True))
    measure = macro_f1(predicted.tolist(), gold.tolist())
    chosen = data.draw(st.lists(st.integers(0, len(pairs) - 1), min_size=1))
    wanted = f1_score(gold[chosen], predicted[chosen], average="macro", zero_division=0)
    assert np.isclose(measure.compute(measure.records[chosen]), wanted)
