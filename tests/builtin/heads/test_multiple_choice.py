import re

import pytest
import torch
from head_cases import features_of
from hypothesis import given, settings
from hypothesis import strategies as st
from text_head_cases import PLAIN, made
from torch.nn import functional as F

from mtlkit.builtin.heads.choice_options import MultipleChoice
from mtlkit.builtin.heads.multiple_choice import MultipleChoiceHead
from mtlkit.errors import DataError, RecipeError

choosing = made(MultipleChoiceHead, MultipleChoice, {"choices": ("x", "y", "z"), **PLAIN})
ROWS = [
    {"question": "q0", "x": "one", "y": "two", "z": "three", "label": "2"},
    {"question": "q1", "x": "one", "y": "", "z": "three", "label": 0},
    {"question": "q2", "x": "one", "y": "two", "z": "three", "label": None},
    {"question": "q3", "x": None, "y": "two", "z": "", "label": "1"},
    {"question": "q4", "x": "", "y": "", "z": None, "label": ""},
]


def term(head, rows):
    return head.loss(head(features_of(head, rows), head.inputs(rows)), head.targets(rows))


def test_each_choice_is_read_with_the_question_and_scored_by_the_same_weights():
    head = choosing()
    assert head.views == (("question", "x"), ("question", "y"), ("question", "z"))
    assert [tuple(weight.shape) for weight in head.parameters()] == [(1, 6), (1,)]
    scores = head(features_of(head, ROWS[:1]), head.inputs(ROWS[:1]))
    wanted = [head.tower(view.pooled) for view in features_of(head, ROWS[:1])]
    torch.testing.assert_close(scores, torch.cat(wanted, 1))


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_the_loss_is_that_of_the_choices_that_are_there(smoothing):
    head = choosing(label_smoothing=smoothing)
    scores = head(features_of(head, ROWS), head.inputs(ROWS))
    assert scores.isinf().tolist() == [
        [False] * 3,
        [False, True, False],
        [False] * 3,
        [True, False, True],
        [True] * 3,
    ]
    whole = F.cross_entropy(scores[:1], torch.tensor([2]), label_smoothing=smoothing)
    two = F.cross_entropy(scores[1:2, [0, 2]], torch.tensor([0]), label_smoothing=smoothing)
    found = term(head, ROWS)
    torch.testing.assert_close(found.sum, whole + two)  # where one choice is left, there is nothing to learn
    assert found.count == head.count(head.targets(ROWS)) == 3
    found.sum.backward()
    assert all(torch.isfinite(weight.grad).all() for weight in head.parameters())


@settings(max_examples=15, deadline=None)
@given(order=st.permutations(range(5)), cut=st.integers(0, 5))
def test_rows_are_scored_alone(order, cut):
    torch.manual_seed(0)
    head, rows = choosing(), [ROWS[at] for at in order]
    scores = head(features_of(head, ROWS), head.inputs(ROWS))
    torch.testing.assert_close(head(features_of(head, rows), head.inputs(rows)), scores[order])
    parts = [term(head, part) for part in (rows[:cut], rows[cut:]) if part]
    torch.testing.assert_close(sum(part.sum for part in parts), term(head, ROWS).sum)
    assert sum(part.count for part in parts) == 3


def test_a_choice_that_is_not_there_is_never_the_answer():
    head = choosing(labels=("A", "B", "C"))
    scores = torch.tensor([[-5.0, -torch.inf, -9], [-torch.inf] * 3])
    found = head.decode(scores)
    assert found == ["A", "A"]
    assert found[0].scores["B"] == 0
    assert found[1].scores == dict.fromkeys("ABC", 0)
    rows = [{**ROWS[0], "label": "A"}, {**ROWS[0], "label": "B"}, {**ROWS[0], "label": None}]
    [accuracy] = head.metrics(["A", "A", "A"], rows)
    assert (accuracy.compute(accuracy.records), len(accuracy.records)) == (0.5, 2)
    assert head.metrics(["A"], rows[2:]) == ()


@pytest.mark.parametrize(
    ("row", "error", "message"),
    [
        (
            {**ROWS[0], "label": "3"},
            RecipeError,
            "tasks.t.head.labels  the label '3' of the row 'q0' is not among the labels  the labels are: 0, 1, 2",
        ),
        (
            {**ROWS[1], "label": "1"},
            DataError,
            "the right choice of the row 'q1' is '1'  its column 'y' is empty",
        ),
    ],
)
def test_labels_that_are_wrong(row, error, message):
    with pytest.raises(error) as caught:
        choosing().targets([row])
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "choices are []; two or more different columns are needed"),
        ({"choices": ("x", "x")}, "choices are ['x', 'x']; two or more different columns are needed"),
        (
            {"choices": ("x", "y"), "labels": ("a", "b", "c")},
            "2 choices need as many labels, not ['a', 'b', 'c']",
        ),
    ],
)
def test_options_that_are_wrong(options, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        MultipleChoice(**options)
