import re

import numpy as np
import pytest
import torch
from head_cases import features_of
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score
from text_head_cases import SEVERAL, multi, rows_of
from torch import nn

from mtlkit.builtin.heads.label_options import MultiLabelClassification
from mtlkit.builtin.heads.multi_label_classification import best_thresholds
from mtlkit.errors import DataError, RecipeError


def test_targets_of_lists_and_texts():
    assert torch.equal(
        multi().targets(SEVERAL).nan_to_num(nan=-1),
        torch.tensor([[1.0, 0, 1], [-1, -1, -1], [0, 1, 0], [0, 0, 0], [-1, -1, -1], [1, 1, 1]]),
    )
    split = multi(separator="|")
    assert split.targets(rows_of(["c|a", "b", None])).nan_to_num(nan=-1).tolist() == [
        [1, 0, 1],
        [0, 1, 0],
        [-1, -1, -1],
    ]


def test_flags_are_known_one_by_one():
    head = multi(flags=("rude", "loud"))
    rows = [{"text": "x", "rude": "1", "loud": None}, {"text": "y", "rude": False, "loud": 1.0}]
    targets = head.targets(rows)
    assert targets.nan_to_num(nan=-1).tolist() == [[1, -1], [0, 1]]
    assert head.count(targets) == 3
    predicted = [["rude"], ["rude", "loud"]]
    found = [each.compute(each.records) for each in head.metrics(predicted, rows)]
    assert found == pytest.approx([0.8, 5 / 6, 0.5])


def test_the_mean_is_torchs_own():
    head = multi(label_smoothing=0.2, class_weights={"b": 3.0})
    rows = rows_of([["a"], [], ["b", "c"]])
    scores, weights = torch.randn(3, 3), torch.tensor([1.0, 3.0, 1.0])
    term = head.loss(scores, head.targets(rows))
    smooth = head.targets(rows) * 0.8 + 0.1
    wanted = nn.BCEWithLogitsLoss(weights, reduction="sum")(scores, smooth) / (3 * 5)
    torch.testing.assert_close(term.sum / term.count, wanted)
    assert term.count == 15


def test_predictions_are_the_labels_above_their_threshold():
    found = multi(threshold=0.7).decode(torch.tensor([[1.0, 0.8, -2], [-1, -1, -1]]))
    assert found == [["a"], []]
    assert found[0].scores["a"] == pytest.approx(0.7310586)


@settings(max_examples=40, deadline=None)
@given(count=st.integers(1, 12), seed=st.integers(0, 999))
def test_no_threshold_has_a_better_f1_than_the_best(count, seed):
    rng = np.random.default_rng(seed)
    likely = rng.integers(0, 8, (count, 1)) / 8
    gold = rng.integers(0, 2, (count, 1)).astype(float)
    gold[rng.random((count, 1)) < 0.2] = np.nan
    known = ~np.isnan(gold[:, 0])
    [threshold] = best_thresholds(likely, gold)
    if not (gold[known] == 1).any():
        assert threshold == 0.5
        return
    f1 = {
        cut: f1_score(gold[known, 0], likely[known, 0] >= cut, zero_division=0)
        for cut in (threshold, *np.arange(0, 17) / 16)
    }
    assert f1[threshold] == max(f1.values())


def test_thresholds_are_tuned_on_the_rows_that_are_handed_over():
    head = multi(threshold="tune")
    rows = [row for row in SEVERAL for _ in range(3)]
    features = features_of(head, rows)
    assert head.thresholds.tolist() == [0.5] * 3
    head.fit(features, rows)
    with torch.no_grad():
        likely = head(features).sigmoid().numpy()
    np.testing.assert_array_equal(head.thresholds, best_thresholds(likely, head.targets(rows).numpy()))
    assert "thresholds" in head.state_dict()
    assert not hasattr(multi(), "fit")
    assert "thresholds" not in multi().state_dict()


@pytest.mark.parametrize(
    ("options", "row", "error", "message"),
    [
        (
            {},
            {"text": "so so", "label": ["a", "d"]},
            RecipeError,
            "tasks.t.head.labels  the label 'd' of the row 'so so' is not among the labels  the labels are: a, b, c",
        ),
        (
            {"flags": ("rude",)},
            {"text": "x", "rude": "maybe"},
            DataError,
            "task 't': the column 'rude' holds 'maybe'  a flag is 1 or 0, true or false",
        ),
    ],
)
def test_labels_that_are_wrong(options, row, error, message):
    with pytest.raises(error) as caught:
        multi(**options).targets([row])
    assert str(caught.value) == message


def test_flags_and_labels_exclude_each_other():
    with pytest.raises(
        ValueError, match=f"^{re.escape('give either `flags`, whose names are the labels, or `labels`')}$"
    ):
        MultiLabelClassification(flags=("a",), labels=("b",))
    options = MultiLabelClassification(flags=("a", "b"))
    assert options.columns() == {"text": "text", "flags.0": "a", "flags.1": "b"}
