import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from mtlkit.builtin.metrics.auroc import auroc
from mtlkit.builtin.metrics.choice import of_classes
from mtlkit.contracts.scored import ScoredLabel

ROWS = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, 4), st.sampled_from([0.0, 1.0, np.nan])),
    min_size=1,
    max_size=20,
)


@given(ROWS)
def test_auroc_is_the_mean_of_scikit_learns_over_classes_with_both_kinds_of_rows(rows):
    first, second, right = np.asarray(rows, float).T
    gold = np.stack([right, 1 - right], 1)
    scores = np.stack([first, second], 1)
    known = ~np.isnan(right)
    measure = auroc(scores, gold)
    if len({*right[known].tolist()}) < 2:
        assert measure.compute(measure.records) == 0.5
    else:
        areas = [roc_auc_score(gold[known, at], scores[known, at]) for at in range(2)]
        assert np.isclose(measure.compute(measure.records), np.mean(areas))


def test_of_three_classes_it_is_one_against_the_rest():
    random = np.random.default_rng(0)
    scores, gold = random.dirichlet(np.ones(3), 40), random.integers(0, 3, 40)
    names = ["x", "y", "z"]
    predicted = [ScoredLabel("x", dict(zip(names, row, strict=True))) for row in scores.tolist()]
    (measure,) = of_classes(["auroc"], predicted, [names[number] for number in gold], names)
    assert np.isclose(measure.compute(measure.records), roc_auc_score(gold, scores, multi_class="ovr"))


def test_a_class_with_right_rows_only_is_left_out():
    gold = np.asarray([[1, 1], [1, 0], [1, 1]])
    scores = np.asarray([[0.1, 0.9], [0.2, 0.5], [0.3, 0.1]])
    measure = auroc(scores, gold)
    assert measure.compute(measure.records) == 0.5  # the second class alone: one of two pairs is in order


def test_a_label_without_scores_counts_as_certain():
    (measure,) = of_classes(["auroc"], ["a", "b", "b"], ["a", "b", "a"], ["a", "b"])
    assert measure.compute(measure.records) == 0.75
