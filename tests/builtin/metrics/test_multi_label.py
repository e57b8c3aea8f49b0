import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, f1_score, hamming_loss

from mtlkit.builtin.metrics import multi_label

CELLS = st.lists(st.integers(0, 1), min_size=3, max_size=3)
ROWS = st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=12)


@pytest.mark.parametrize("average", ["micro", "macro", "weighted"])
@given(ROWS)
def test_f1_of_labels_is_that_of_scikit_learn(average, rows):
    predicted, gold = (np.asarray(side) for side in zip(*rows, strict=True))
    measure = getattr(multi_label, f"label_{average}_f1")(predicted, gold)
    wanted = 0.0
    if predicted.any() or gold.any():
        # of the macro mean, scikit-learn leaves a label out where F1 is not defined, as we do
        wanted = f1_score(gold, predicted, average=average, zero_division=np.nan if average == "macro" else 0)
    assert np.isclose(measure.compute(measure.records), wanted)


@given(ROWS)
def test_accuracies_of_labels_are_those_of_scikit_learn(rows):
    predicted, gold = (np.asarray(side) for side in zip(*rows, strict=True))
    subset, label = multi_label.subset_accuracy(predicted, gold), multi_label.label_accuracy(predicted, gold)
    assert np.isclose(subset.compute(subset.records), accuracy_score(gold, predicted))
    assert np.isclose(label.compute(label.records), 1 - hamming_loss(gold, predicted))


def test_an_unknown_label_counts_nothing():
    predicted, gold = np.asarray([[1, 1], [0, 1]]), np.asarray([[1, np.nan], [np.nan, 0]])
    values = [
        each.compute(each.records)
        for each in (
            multi_label.label_micro_f1(predicted, gold),
            multi_label.subset_accuracy(predicted, gold),
            multi_label.label_accuracy(predicted, gold),
        )
    ]
    assert values == [2 / 3, 0.5, 0.5]
    nothing = multi_label.label_accuracy(predicted, np.full((2, 2), np.nan))
    assert nothing.compute(nothing.records) == 0.0
