import re

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cosine
from scipy.special import rel_entr, softmax
from text_head_cases import CLASSES, SAID, rows_of, student

from mtlkit.builtin.heads.number_options import Distillation
from mtlkit.errors import DataError


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 999), temperature=st.floats(0.5, 8))
def test_logits_are_learned_at_their_temperature(seed, temperature):
    head = student(labels=CLASSES, temperature=temperature)
    rng = np.random.default_rng(seed)
    mine, theirs = rng.normal(size=(2, 4, 3)) * 2
    rows = rows_of([list(map(float, row)) for row in theirs])
    wanted = rel_entr(softmax(theirs / temperature, -1), softmax(mine / temperature, -1)).sum()
    term = head.loss(torch.tensor(mine, dtype=torch.float32), head.targets(rows))
    assert term.sum.item() == pytest.approx(temperature**2 * wanted, rel=1e-3, abs=1e-5)
    assert term.count == 4


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 999))
def test_vectors_are_learned_by_distance_or_direction(seed):
    rng = np.random.default_rng(seed)
    mine, theirs = rng.normal(size=(2, 4, 3))
    output, rows = torch.tensor(mine, dtype=torch.float32), rows_of([list(map(float, row)) for row in theirs])
    far, turned = (student(target="embedding", size=3, distance=how) for how in ("mse", "cosine"))
    found = [head.loss(output, head.targets(rows)).sum.item() for head in (far, turned)]
    apart = [cosine(one, other) for one, other in zip(mine, theirs, strict=True)]
    assert found == pytest.approx([((mine - theirs) ** 2).mean(-1).sum(), sum(apart)], rel=1e-4)
    direction, distance = turned.metrics(turned.decode(output), rows)
    assert direction.compute(direction.records) == pytest.approx(1 - np.mean(apart), abs=1e-5)
    assert distance.compute(distance.records) == pytest.approx(
        np.sqrt(((mine - theirs) ** 2).mean()), rel=1e-4
    )


def test_a_teacher_in_several_columns():
    head = student(teacher=("x", "y"), labels=("a", "b"))
    rows = [{"text": "s", "x": "1", "y": -2}, {"text": "t", "x": 1, "y": None}]
    assert head.targets(rows).nan_to_num(nan=-9).tolist() == [[1, -2], [-9, -9]]
    assert head.options.columns() == {"text": "text", "teacher.0": "x", "teacher.1": "y"}


def test_agreement_is_of_the_likeliest_class():
    head = student(labels=CLASSES)
    predictions = head.decode(
        torch.tensor([[0.0, 0, 2], [5, 0, 0], [0, 2, 0], [0, 0, 3], [0, 0, 0], [0, 9, 0]])
    )
    assert predictions == ["c", "a", "b", "c", "a", "b"]
    agreement, kl = head.metrics(predictions, SAID)
    assert agreement.compute(agreement.records) == 0.5  # of the four that the teacher spoke of
    assert (len(kl.records), kl.higher_is_better) == (4, False)


@pytest.mark.parametrize("said", ["1, 2, 3", [1, 2]])
def test_a_teacher_of_another_size(said):
    with pytest.raises(DataError) as caught:
        student(labels=CLASSES).targets(rows_of([said]))
    assert (
        str(caught.value)
        == f"task 't': the column 'label' holds {str(said)!r}  it should be a list of 3 numbers"
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, 'give `labels` for target "logits", and `size` for target "embedding"'),
        (
            {"target": "embedding", "labels": ("a",), "size": 3},
            'give `labels` for target "logits", and `size` for target "embedding"',
        ),
        (
            {"labels": ("a", "b"), "teacher": ("x",)},
            "1 columns of the teacher, but 2 are needed",
        ),
    ],
)
def test_options_that_are_wrong(options, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Distillation(**options)
