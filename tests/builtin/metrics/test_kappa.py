import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from mtlkit.builtin.metrics.kappa import quadratic_kappa

PAIRS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=25)


@given(PAIRS)
def test_kappa_is_that_of_scikit_learn(pairs):
    predicted, gold = np.asarray(pairs).T
    assume(len({*predicted.tolist(), *gold.tolist()}) > 1)
    measure = quadratic_kappa(predicted, gold)
    wanted = cohen_kappa_score(predicted, gold, weights="quadratic", labels=range(5))
    assert np.isclose(measure.compute(measure.records), wanted)


def test_one_class_everywhere_shows_no_agreement():
    measure = quadratic_kappa(np.ones(3), np.ones(3))
    assert measure.compute(measure.records) == 0.0
