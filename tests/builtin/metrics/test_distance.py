import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import mean_absolute_error as oracle_mae
from sklearn.metrics import root_mean_squared_error as oracle_rmse

from mtlkit.builtin.metrics.distance import mean_absolute_error, root_mean_squared_error

NUMBERS = st.floats(-100, 100)
PAIRS = st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=20)


@given(PAIRS, st.data())
def test_distances_are_those_of_scikit_learn_on_any_selection(pairs, data):
    predicted, gold = np.asarray(pairs).T
    chosen = data.draw(st.lists(st.integers(0, len(pairs) - 1), min_size=1))
    for made, oracle in ((mean_absolute_error, oracle_mae), (root_mean_squared_error, oracle_rmse)):
        measure = made(predicted, gold)
        assert np.isclose(measure.compute(measure.records[chosen]), oracle(gold[chosen], predicted[chosen]))
