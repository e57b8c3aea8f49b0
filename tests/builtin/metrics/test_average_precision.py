import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from mtlkit.builtin.metrics.average_precision import average_precision, macro_average_precision
from mtlkit.builtin.metrics.choice import of_classes
from mtlkit.contracts.scored import ScoredLabel

ROWS = st.lists(st.tuples(st.integers(0, 4), st.sampled_from([0.0, 1.0, np.nan])), min_size=1, max_size=20)


@given(ROWS)
def test_average_precision_is_that_of_scikit_learn(rows):
    scores, gold = np.asarray(rows, float).T
    known = ~np.isnan(gold)
    measure = average_precision(scores, gold)
    wanted = average_precision_score(gold[known], scores[known]) if (gold == 1).any() else 0.0
    assert np.isclose(measure.compute(measure.records), wanted)


def test_the_mean_is_over_classes_that_some_row_is_right_for():
    random = np.random.default_rng(0)
    scores, gold = random.random((30, 3)), random.integers(0, 2, (30, 3)).astype(float)
    gold[:, 1] = 0
    measure = macro_average_precision(scores, gold)
    wanted = np.mean([average_precision_score(gold[:, at], scores[:, at]) for at in (0, 2)])
    assert np.isclose(measure.compute(measure.records), wanted)
    assert measure.compute(np.zeros((2, 6))) == 0.0


def test_of_two_classes_it_is_of_the_second_of_more_their_mean():
    scores = [0.9, 0.6, 0.2]
    predicted = [ScoredLabel("no", {"no": 1 - score, "yes": score}) for score in scores]
    gold = ["yes", "no", "yes"]
    found = of_classes(["ap", "macro-ap"], predicted, gold, ["no", "yes"])
    right = np.asarray([1, 0, 1])
    each = [
        average_precision_score(1 - right, 1 - np.asarray(scores)),
        average_precision_score(right, scores),
    ]
    assert np.isclose(found[0].compute(found[0].records), each[1])
    assert np.isclose(found[1].compute(found[1].records), np.mean(each))
    mean, same = of_classes(["ap", "macro-ap"], predicted, gold, ["no", "yes", "maybe"])
    assert mean.name == "ap"
    assert mean.compute(mean.records) == same.compute(same.records)
