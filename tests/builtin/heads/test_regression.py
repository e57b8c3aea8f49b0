import re

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import mean_absolute_error, mean_squared_error
from text_head_cases import NUMBERS, number, rows_of

from mtlkit.builtin.heads.number_options import Regression
from mtlkit.errors import DataError

VALUES = st.lists(st.none() | st.floats(-3, 3, width=32), min_size=1, max_size=6)


@settings(max_examples=25, deadline=None)
@given(values=VALUES, seed=st.integers(0, 99))
def test_the_loss_is_scikit_learns(values, seed):
    rows, known = rows_of(values), [at for at, value in enumerate(values) if value is not None]
    scores = torch.randn(len(rows), 1, generator=torch.Generator().manual_seed(seed))
    gold, mine = [values[at] for at in known], scores[known, 0].tolist()
    for loss, oracle in (("mse", mean_squared_error), ("mae", mean_absolute_error)):
        head = number(loss=loss)
        term = head.loss(scores, head.targets(rows))
        assert term.count == len(known)
        if known:
            assert np.isclose(term.sum.item() / term.count, oracle(gold, mine), rtol=1e-4)


def test_huber_is_squared_near_and_straight_far():
    head = number(loss="huber", delta=2.0)
    targets = head.targets(rows_of([0.0, 0.0]))
    assert float(head.loss(torch.tensor([[1.0], [5.0]]), targets).sum) == 0.5 * 1 + 2 * (5 - 1)


def test_several_numbers_are_learned_where_they_are_known():
    head = number(label=("x", "y"))
    rows = [{"text": "a", "x": 1, "y": None}, {"text": "b", "x": "2.5", "y": 4}, {"text": "c"}]
    targets = head.targets(rows)
    assert targets.nan_to_num(nan=-9).tolist() == [[1, -9], [2.5, 4], [-9, -9]]
    scores = torch.zeros(3, 2, requires_grad=True)
    term = head.loss(scores, targets)
    term.sum.backward()
    assert (term.sum.item(), term.count) == (1 + 2.5**2 + 16, 3)
    assert scores.grad.tolist() == [[-2, 0], [-5, -8], [0, 0]]
    predictions = head.decode(torch.tensor([[1.0, 7], [2, 3], [0, 0]]))
    assert predictions == [[1, 7], [2, 3], [0, 0]]
    assert head.present(predictions[:1], rows[:1]) == [{"x": 1.0, "y": 7.0}]
    found = {each.name: each.compute(each.records) for each in head.metrics(predictions, rows)}
    assert found["mae"] == (0.25 + 1) / 2
    assert len(head.metrics(predictions, rows)[0].records) == 2
    assert head.options.columns() == {"text": "text", "label.0": "x", "label.1": "y"}


def test_a_range_scales_the_loss_and_holds_predictions():
    head = number(range=(1.0, 5.0))
    rows = rows_of([1, 3, 5, None])
    assert head.targets(rows).nan_to_num(nan=-1)[:, 0].tolist() == [0, 0.5, 1, -1]
    assert head.decode(torch.tensor([[-0.2], [0.5], [2.0]])) == [1, 3, 5]
    smooth = number(range=(1.0, 5.0), limit="sigmoid")
    assert smooth.decode(torch.tensor([[0.0]])) == [3]
    assert float(smooth.loss(torch.tensor([[0.0]]), smooth.targets(rows_of([5]))).sum) == 0.25


@pytest.mark.parametrize(
    ("options", "label", "message"),
    [
        (
            {},
            "four",
            "task 't': the column 'label' holds 'four', which is not a number  "
            "a number is such as 0.5; leave the cell empty where it is not known",
        ),
        (
            {},
            float("inf"),
            "task 't': the column 'label' holds inf, which is not a number  "
            "a number is such as 0.5; leave the cell empty where it is not known",
        ),
        (
            {"range": (1.0, 5.0)},
            5.5,
            "task 't': the column 'label' holds 5.5  the range of the head is 1 to 5",
        ),
    ],
)
def test_labels_that_are_wrong(options, label, message):
    with pytest.raises(DataError) as caught:
        number(**options).targets(rows_of([label]))
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"limit": "sigmoid"}, 'limit "sigmoid" needs a range, such as range = [1, 5]'),
        ({"range": (5.0, 1.0)}, "range is [5.0, 1.0]; the first number should be below the second"),
        ({"label": ()}, "label should name one column, or several different ones"),
        ({"label": ("x", "x")}, "label should name one column, or several different ones"),
        ({"metrics": ("mae", "mae")}, "metrics are ['mae', 'mae']; name at least one, and each once"),
        ({"metrics": ()}, "metrics are []; name at least one, and each once"),
        ({"layers": (1, 1)}, 'layers are [1, 1]; list each depth once, or say "last"'),
        ({"layers": ()}, 'layers are []; list each depth once, or say "last"'),
    ],
)
def test_options_that_are_wrong(options, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Regression(**options)


def test_one_number_is_presented_as_it_is():
    head = number()
    assert head.present([0.5], NUMBERS[:1]) == [0.5]
