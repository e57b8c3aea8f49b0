import numpy as np

from mtlkit.builtin.metrics.choice import of_numbers
from mtlkit.builtin.metrics.sts import cosines


def test_cosines_do_not_depend_on_length():
    first = np.asarray([[3.0, 0.0], [1.0, 1.0], [0.0, 0.0]])
    second = np.asarray([[0.1, 0.0], [-2.0, -2.0], [1.0, 1.0]])
    assert np.allclose(cosines(first, second), [1, -1, 0])


def test_similarity_is_the_correlation_of_cosines_with_scores():
    random = np.random.default_rng(0)
    first, second = random.normal(size=(2, 20, 4))
    found = cosines(first, second)
    values = [
        each.compute(each.records) for each in of_numbers(["spearman", "pearson"], found, 5 * found + 1)
    ]
    assert np.allclose(values, 1)
