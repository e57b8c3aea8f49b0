import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st
from sklearn.metrics import matthews_corrcoef

from mtlkit.builtin.metrics.mcc import mcc

PAIRS = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc")), min_size=1, max_size=25)


@given(PAIRS, st.data())
def test_mcc_is_that_of_scikit_learn_on_any_selection(pairs, data):
    predicted, gold = map(np.asarray, zip(*pairs, strict=True))
    measure = mcc(predicted.tolist(), gold.tolist(), ("c",))
    chosen = data.draw(st.lists(st.integers(0, len(pairs) - 1), min_size=1))
    assume(len({*predicted[chosen], *gold[chosen]}) > 1)  # scikit-learn warns of a single class
    value = measure.compute(measure.records[chosen])
    assert np.isclose(value, matthews_corrcoef(gold[chosen], predicted[chosen]))


def test_a_constant_side_shows_no_correlation():
    for predicted, gold in (("aaa", "aba"), ("aba", "aaa"), ("aaa", "aaa")):
        measure = mcc([*predicted], [*gold])
        assert measure.compute(measure.records) == 0.0
