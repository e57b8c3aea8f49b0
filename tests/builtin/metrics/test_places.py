import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from mtlkit.builtin.metrics.places import of_places

NAMES = ("a", "b", "c")
LABELS = st.sets(st.sampled_from(NAMES))
ROWS = st.lists(st.lists(st.tuples(LABELS, LABELS), max_size=4), min_size=1, max_size=5)


@settings(max_examples=100, deadline=None)
@given(ROWS, st.data())
def test_both_are_those_of_scikit_learn_on_any_selection(rows, data):
    predicted, gold = ([[pair[side] for pair in row] for row in rows] for side in (0, 1))
    chosen = data.draw(st.lists(st.integers(0, len(rows) - 1), min_size=1))
    mine, theirs = (
        np.array([[name in labels for name in NAMES] for at in chosen for labels in side[at]]).reshape(-1, 3)
        for side in (predicted, gold)
    )
    measures = of_places(("micro-f1", "macro-f1", "weighted-f1"), predicted, gold, NAMES)
    occurring = [number for number in range(3) if mine[:, number].any() or theirs[:, number].any()]
    for measure in measures:
        average = measure.name.removesuffix("-f1")
        labels = None if average == "micro" else occurring
        wanted = f1_score(theirs, mine, average=average, labels=labels, zero_division=0) if occurring else 0.0
        assert np.isclose(measure.compute(measure.records[chosen]), wanted)


def test_unknown_places_count_nothing_and_missing_predictions_are_missed():
    [measure] = of_places(("micro-f1",), [[{"a"}, None], [{"b"}]], [[None, {"a"}], [{"new"}]], NAMES)
    assert measure.records.tolist() == [
        [0] * 4 + [0] * 4 + [1, 0, 0, 0],
        [0] * 4 + [0, 1, 0, 0] + [0, 0, 0, 1],
    ]
