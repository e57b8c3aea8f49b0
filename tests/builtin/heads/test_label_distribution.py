import re

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon
from scipy.special import rel_entr, softmax
from scipy.stats import entropy
from text_head_cases import VOTES, rows_of, shares

from mtlkit.builtin.heads.label_distribution import divergence
from mtlkit.builtin.heads.label_options import LabelDistribution
from mtlkit.errors import DataError, RecipeError


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 999), classes=st.integers(1, 5))
def test_the_losses_are_scipys(seed, classes):
    rng = np.random.default_rng(seed)
    counts = rng.integers(0, 3, (4, classes)) + np.eye(classes)[rng.integers(0, classes, 4)]
    wanted = counts / counts.sum(-1, keepdims=True)
    scores = rng.normal(size=(4, classes)) * 3
    likely = softmax(scores, -1)
    oracles = {
        "kl": rel_entr(wanted, likely).sum(),
        "js": (jensenshannon(wanted, likely, axis=-1) ** 2).sum(),
        "cross-entropy": (rel_entr(wanted, likely).sum(-1) + entropy(wanted, axis=-1)).sum(),
    }
    logs = torch.tensor(scores).log_softmax(-1)
    for kind, oracle in oracles.items():
        assert float(divergence(torch.tensor(wanted), logs, kind)) == pytest.approx(oracle, abs=1e-9)


@pytest.mark.parametrize("kind", ["kl", "js", "cross-entropy"])
def test_sure_scores_have_finite_losses_and_gradients(kind):
    scores = torch.tensor([[1e4, -1e4, 0.0]], requires_grad=True)
    total = divergence(torch.tensor([[0.0, 1.0, 0.0]]), scores.log_softmax(-1), kind)
    total.backward()
    assert torch.isfinite(total)
    assert torch.isfinite(scores.grad).all()


def test_votes_become_shares():
    found = shares().targets(VOTES).nan_to_num(nan=-1)
    third = 1 / 3
    wanted = [[2 / 3, 0, third], [-1] * 3, [0, 1, 0], [0, 0.5, 0.5], [-1] * 3, [third] * 3]
    torch.testing.assert_close(found, torch.tensor(wanted))


def test_columns_of_shares():
    head = shares(shares=("good", "bad"))
    rows = [{"text": "x", "good": 3, "bad": "1"}, {"text": "y", "good": 2, "bad": None}, {"text": "z"}]
    targets = head.targets(rows)
    assert targets.nan_to_num(nan=-1).tolist() == [[0.75, 0.25], [1, 0], [-1, -1]]
    assert head.count(targets) == 2
    assert head.options.columns() == {"text": "text", "shares.0": "good", "shares.1": "bad"}


def test_predictions_are_probabilities_and_measured_as_such():
    head = shares()
    scores = torch.randn(len(VOTES), 3, generator=torch.Generator().manual_seed(1))
    predictions = head.decode(scores)
    assert all(sum(each.values()) == pytest.approx(1) for each in predictions)
    gold, known = head.targets(VOTES).numpy().astype(float), [0, 2, 3, 5]
    likely = softmax(scores.double().numpy(), -1)[known]
    kl, js, top = head.metrics(predictions, VOTES)
    assert kl.compute(kl.records) == pytest.approx(rel_entr(gold[known], likely).sum(-1).mean(), rel=1e-6)
    wanted = (jensenshannon(gold[known], likely, axis=-1) ** 2).mean()
    assert js.compute(js.records) == pytest.approx(wanted, rel=1e-6)
    best = [gold[at, row.argmax()] == gold[at].max() for at, row in zip(known, likely, strict=True)]
    assert top.compute(top.records) == np.mean(best)


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
            {"shares": ("x", "y")},
            {"text": "s", "x": 0, "y": 0},
            DataError,
            "task 't': {'x': 0.0, 'y': 0.0} are no shares  "
            "shares are 0 or more, and at least one of a row is above 0",
        ),
    ],
)
def test_labels_that_are_wrong(options, row, error, message):
    with pytest.raises(error) as caught:
        shares(**options).targets([row])
    assert str(caught.value) == message


def test_a_label_that_is_new_is_left_out_of_the_metrics():
    head, rows = shares(), rows_of([["a", "d"], ["d"]])
    found = head.metrics(head.decode(torch.zeros(2, 3)), rows)
    assert [len(each.records) for each in found] == [1, 1, 1]


def test_shares_and_labels_exclude_each_other():
    with pytest.raises(
        ValueError, match=f"^{re.escape('give either `shares`, whose names are the labels, or `labels`')}$"
    ):
        LabelDistribution(shares=("a",), labels=("b",))
