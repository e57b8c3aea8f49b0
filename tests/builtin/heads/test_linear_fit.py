import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression, Ridge, RidgeClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mtlkit.builtin.heads.linear_fit import logistic, ridge, scales


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 999), rows=st.integers(2, 12), size=st.integers(1, 5), strength=st.floats(1e-3, 1e3)
)
def test_ridge_is_scikit_learns(seed, rows, size, strength):
    rng = np.random.default_rng(seed)
    vectors, wanted = rng.normal(size=(rows, size)) + 3, rng.normal(size=(rows, 2))
    line, oracle = ridge(vectors, wanted, strength), Ridge(alpha=strength).fit(vectors, wanted)
    np.testing.assert_allclose(line.weight, oracle.coef_, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(line.bias, oracle.intercept_, rtol=1e-6, atol=1e-6)


def test_ridge_of_signs_classifies_as_scikit_learns_does():
    rng = np.random.default_rng(0)
    numbers = np.arange(30) % 3
    vectors = rng.normal(size=(30, 4)) + np.eye(4)[numbers]
    line = ridge(vectors, 2 * np.eye(3)[numbers] - 1, 2.0)
    oracle = RidgeClassifier(alpha=2.0).fit(vectors, numbers)
    scores = vectors @ line.weight.T + line.bias
    np.testing.assert_allclose(scores, oracle.decision_function(vectors), rtol=1e-6)


@pytest.mark.parametrize("classes", [2, 3])
def test_logistic_is_scikit_learns_for_any_number_of_classes(classes):
    rng = np.random.default_rng(1)
    numbers = np.arange(30) % classes
    vectors = rng.normal(size=(30, 4)) * [1, 5, 0.1, 1] + 2
    mean, spread = scales(vectors)
    line = logistic((vectors - mean) / spread, numbers, classes, 0.5).of_raw(mean, spread)
    oracle = make_pipeline(StandardScaler(), LogisticRegression(C=2.0, max_iter=2000, tol=1e-10))
    oracle.fit(vectors, numbers)
    scores = vectors @ line.weight.T + line.bias
    likely = np.exp(scores - scores.max(-1, keepdims=True))
    likely /= likely.sum(-1, keepdims=True)
    np.testing.assert_allclose(likely, oracle.predict_proba(vectors), atol=1e-5)


def test_classes_without_rows_are_never_the_answer():
    vectors = np.random.default_rng(2).normal(size=(6, 3))
    line = logistic(vectors, np.asarray([0, 3, 0, 3, 3, 0]), 4, 1.0)
    assert set((vectors @ line.weight.T + line.bias).argmax(-1)) <= {0, 3}
    alone = logistic(vectors, np.full(6, 2), 4, 1.0)
    assert (alone.weight == 0).all()
    assert alone.bias.argmax() == 2


def test_a_constant_dimension_is_not_scaled():
    mean, spread = scales(np.asarray([[1.0, 5.0], [3.0, 5.0]]))
    assert (mean.tolist(), spread.tolist()) == ([2, 5], [1, 1])
