"""From rows to targets: what is missing, what is equal, and what is refused."""

from pathlib import Path

import numpy as np
import pytest
import torch

from mtlkit.builtin.embedding_cards import EMBEDDINGS
from mtlkit.builtin.heads.embedding_rows import RowReader, text_key
from mtlkit.catalog.catalog import Entry
from mtlkit.catalog.options import make_options
from mtlkit.errors import DataError

PAIR = {"text": "a", "text_pair": "b"}


def read(rows, **table):
    return RowReader(make_options(Entry(EMBEDDINGS[0], "mtlkit", ""), table, Path()), "t").targets(rows)


def test_equal_texts_have_equal_keys_and_missing_ones_none():
    found = read([PAIR, {"text": "a", "text_pair": 5}, {"text": "", "text_pair": "b"}, {"text": "b"}])
    assert found.known.tolist() == [True, True, False, False]
    assert found.keys[0, 0] == found.keys[1, 0] != found.keys[0, 1]
    assert found.keys[0, 1] == found.keys[3, 0] == text_key("b")
    assert (found.keys[2, 0], found.keys[3, 1], text_key(None)) == (0, 0, 0)
    assert found.keys[1, 1] == text_key("5")
    assert found.scores.shape == (4, 0)


def test_a_negative_may_be_missing_in_ranking_and_not_in_triplets():
    rows = [{**PAIR, "negative": "n"}, {**PAIR, "negative": None}]
    assert read(rows, negatives=["negative"]).known.tolist() == [True, True]
    assert read(rows, objective="triplet").known.tolist() == [True, False]


def test_scores_and_margins():
    rows = [{**PAIR, "score": each} for each in (0.5, "0.25", True, None, "")]
    found = read(rows, objective="cosent")
    assert found.scores[:, 0].tolist() == [0.5, 0.25, 1.0, 0.0, 0.0]
    assert found.known.tolist() == [True, True, True, False, False]
    rows = [
        {**PAIR, "x": "n", "y": "m", "score": each} for each in ([1, "0.5"], [None, None], None, np.zeros(2))
    ]
    with pytest.raises(DataError):
        read(rows, objective="margin-mse", negatives=["x", "y"])
    rows[3]["score"] = (0.0, 0.0)
    found = read(rows, objective="margin-mse", negatives=["x", "y"])
    assert found.scores.tolist() == [[1.0, 0.5], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0]]
    assert found.known.tolist() == [True, False, False, True]


def test_groups():
    found = read(
        [{"text": "a", "group": each} for each in ("x", "y", "x", None, 3, "3")], objective="batch-triplet"
    )
    assert found.known.tolist() == [True, True, True, False, True, True]
    groups = found.groups.tolist()
    assert groups[0] == groups[2] != groups[1]
    assert groups[4] == groups[5]


def test_vectors_of_teachers_and_guides():
    rows = [
        {"text": "a", "teacher": each} for each in ([1, 2.5], None, [], [None, None], np.asarray([3.0, 4.0]))
    ]
    found = read(rows, objective={"use": "mse", "size": 2})
    assert found.vectors[:, 0].tolist() == [[1, 2.5], [0, 0], [0, 0], [0, 0], [3, 4]]
    assert found.known.tolist() == [True, False, False, False, True]
    guided = [
        {**PAIR, "negative": text, "g0": [1], "g1": [2], "g2": vector}
        for text, vector in (("n", [3]), ("n", None), (None, None))
    ]
    found = read(guided, objective={"use": "gist", "guide": ["g0", "g1", "g2"]}, negatives=["negative"])
    assert found.known.tolist() == [True, False, True]
    assert found.vectors.shape == (3, 3, 1)


WRONG = [
    (
        {**PAIR, "score": "high"},
        {"objective": "cosent"},
        "task 't': the score 'high' is not a number  scores are numbers such as 0.5",
    ),
    (
        {**PAIR, "score": float("inf")},
        {"objective": "cosent"},
        "task 't': the score inf is not a number  scores are numbers such as 0.5",
    ),
    (
        {**PAIR, "score": 0.5},
        {"objective": "contrastive"},
        "task 't': the score 0.5 is not 0 or 1  scores are 1 for texts that belong together and 0 for others",
    ),
    (
        {**PAIR, "negative": "n", "score": [1, 2]},
        {"objective": "margin-mse"},
        "task 't': the score [1, 2] is not a number  it is the teacher's margin over each of the negatives",
    ),
    (
        {**PAIR, "x": "n", "y": "n", "score": 1},
        {"objective": "margin-mse", "negatives": ["x", "y"]},
        "task 't': the score 1 is not a list of 2 numbers  it is the teacher's margin over each of the negatives",
    ),
    (
        {"text": "a", "teacher": "vector"},
        {"objective": {"use": "mse", "size": 2}},
        "task 't': the teacher 'vector' is not a vector  vectors are lists of numbers",
    ),
    (
        {"text": "a", "teacher": [1, "x"]},
        {"objective": {"use": "mse", "size": 2}},
        "task 't': the teacher [1, 'x'] is not a vector  vectors are lists of numbers",
    ),
    (
        {"text": "a", "teacher": [1, 2, 3]},
        {"objective": {"use": "mse", "size": 2}},
        "task 't': a vector in teacher has 3 numbers  all have as many as others: 2",
    ),
    (
        {**PAIR, "g": [1], "h": [1, 2]},
        {"objective": {"use": "gist", "guide": ["g", "h"]}},
        "task 't': a vector in g has 1 numbers  all have as many as others: 2",
    ),
]


@pytest.mark.parametrize(("row", "table", "message"), WRONG, ids=[message[:60] for *_, message in WRONG])
def test_what_cannot_be_read_is_refused(row, table, message):
    with pytest.raises(DataError) as caught:
        read([row], **table)
    assert str(caught.value) == message


def test_targets_move_and_are_cast():
    found = read([{**PAIR, "score": 1}, {**PAIR, "score": None}], objective="cosent")
    assert found.to("cpu").scores.tolist() == found.scores.tolist()
    assert found.only_known().keys.shape == (1, 2)
    assert found.cast(torch.float64).scores.dtype == torch.float64
