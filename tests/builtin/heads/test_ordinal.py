from itertools import pairwise
from math import exp, log

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score
from text_head_cases import levels, rows_of

from mtlkit.builtin.heads.label_options import Ordinal
from mtlkit.builtin.heads.ordinal import FallingBiases, OrdinalHead, coral_loss, corn_loss
from mtlkit.contracts.head import HeadContext
from mtlkit.errors import RecipeError


def sigmoid(number):
    return 1 / (1 + exp(-number))


def coral_by_hand(scores, level):
    """Cao et al. 2020: every step is a question of its own."""
    return -sum(log(sigmoid(s)) if level > k else log(1 - sigmoid(s)) for k, s in enumerate(scores))


def corn_by_hand(scores, level):
    """Shi et al. 2021: step k is asked of rows that are above all steps before it."""
    return -sum(
        log(sigmoid(s)) if level > k else log(1 - sigmoid(s)) for k, s in enumerate(scores) if level >= k
    )


@settings(max_examples=40, deadline=None)
@given(data=st.data(), steps=st.integers(1, 4))
def test_the_losses_are_the_formulas(data, steps):
    rows = st.tuples(st.integers(0, steps), st.lists(st.floats(-4, 4), min_size=steps, max_size=steps))
    given_rows = data.draw(st.lists(rows, min_size=1, max_size=4))
    scores = torch.tensor([row for _, row in given_rows], dtype=torch.float64)
    numbers = torch.tensor([level for level, _ in given_rows])
    for loss, by_hand in ((coral_loss, coral_by_hand), (corn_loss, corn_by_hand)):
        wanted = sum(by_hand(row, level) for level, row in given_rows)
        assert float(loss(scores, numbers)) == pytest.approx(wanted, rel=1e-9)


@settings(max_examples=30, deadline=None)
@given(steps=st.integers(1, 5), seed=st.integers(0, 99))
def test_corals_steps_are_consistent_whatever_the_weights(steps, seed):
    torch.manual_seed(seed)
    biases = FallingBiases(steps)
    assert biases().tolist() == pytest.approx([(steps - 1) / 2 - step for step in range(steps)], abs=1e-5)
    with torch.no_grad():
        for weight in biases.parameters():
            weight.copy_(5 * torch.randn_like(weight))
    found = biases().tolist()
    assert all(higher >= lower for higher, lower in pairwise(found))


def test_predictions_count_the_steps_that_are_likely():
    scores = torch.tensor([[2.0, -1, -3], [3, 2, 1], [-1, 5, 5]])
    assert levels().decode(scores[:2]) == ["b", "d"]
    # 0.88 · 0.27 < ½; 0.95 · 0.88 · 0.73 > ½; below the first step nothing counts
    assert levels(method="corn").decode(scores) == ["b", "d", "a"]


def test_counts_are_rows_or_the_steps_that_are_asked():
    rows = rows_of(["a", "b", "d", None])
    assert levels().count(levels().targets(rows)) == 3
    corn = levels(method="corn")
    assert corn.count(corn.targets(rows)) == 1 + 2 + 3


def test_numbers_are_in_order_by_themselves():
    context = HeadContext("t", 6, ("1", "10", "2", "-3.5"))
    assert OrdinalHead(Ordinal(), context).labels.names == ("-3.5", "1", "2", "10")


def test_kappa_is_scikit_learns():
    rows = rows_of(["a", "b", "d", "c", None, "a"])
    predicted = ["a", "c", "d", "b", "a", "b"]
    kappa, mae, accuracy = levels().metrics(predicted, rows)
    number = {name: at for at, name in enumerate("abcd")}
    gold = [number[row["label"]] for row in rows if row["label"]]
    mine = [number[name] for name, row in zip(predicted, rows, strict=True) if row["label"]]
    assert kappa.compute(kappa.records) == pytest.approx(cohen_kappa_score(mine, gold, weights="quadratic"))
    assert (mae.compute(mae.records), accuracy.compute(accuracy.records)) == (0.6, 0.4)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (
            ("high", "low"),
            "tasks.mood.head.labels  the labels 'high', 'low' have no order of their own  list the levels, lowest first",
        ),
        (("1",), "tasks.mood.head.labels  the only level is '1'  list two or more"),
        (
            (),
            "tasks.mood.head.label  no training row has a value in the column 'label'  name the column of the labels",
        ),
    ],
)
def test_levels_that_are_none(labels, message):
    with pytest.raises(RecipeError) as caught:
        OrdinalHead(Ordinal(), HeadContext("mood", 4, labels))
    assert str(caught.value) == message
