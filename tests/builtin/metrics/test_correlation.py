import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.stats import pearsonr, spearmanr

from mtlkit.builtin.metrics.correlation import pearson, spearman

PAIRS = st.lists(st.tuples(st.integers(-5, 5), st.integers(0, 4)), min_size=3, max_size=20)


@given(PAIRS)
def test_correlations_are_those_of_scipy(pairs):
    first, second = np.asarray(pairs, float).T
    assume(np.ptp(first) and np.ptp(second))
    for measure, oracle in ((spearman(first, second), spearmanr), (pearson(first, second), pearsonr)):
        assert np.isclose(measure.compute(measure.records), oracle(first, second).statistic)


def test_a_constant_side_correlates_with_nothing():
    for measure in (spearman(np.ones(3), np.arange(3.0)), pearson(np.arange(3.0), np.ones(3))):
        assert measure.compute(measure.records) == 0.0
        assert measure.compute(measure.records[:1]) == 0.0
