"""Rows and tag sets that are wrong, and what is said of them."""

from typing import Any

import pytest
from crf_cases import HIDDEN, build
from mtlkit_crf.head import CrfHead
from mtlkit_crf.options import Crf

import mtlkit

ROW = {"tokens": ["met", "Ada", "Lovelace"], "tags": ["O", "I-X", "I-X"]}
CASES: list[tuple[dict[str, Any], type[mtlkit.MtlkitError], str]] = [
    (
        ROW,
        mtlkit.RecipeError,
        "tasks.t.head.constrained  the tag 'I-X' of word 2 of the row 'met Ada Lovelace' follows neither "
        "'B-X' nor 'I-X'  make the tags BIO (IOB2), or set constrained = false",
    ),
    (
        {"tokens": ["Ada", "x" * 70], "tags": ["I-X", None]},
        mtlkit.RecipeError,
        f"tasks.t.head.constrained  the tag 'I-X' of word 1 of the row 'Ada {'x' * 55}…' follows neither "
        "'B-X' nor 'I-X'  make the tags BIO (IOB2), or set constrained = false",
    ),
    (
        {"tokens": ["New", "York"], "tags": ["B-X", "I-Y"]},
        mtlkit.RecipeError,
        "tasks.t.head.labels  the tag 'I-Y' of the row 'New York' is not known  did you mean 'I-X'?",
    ),
    (
        {"tokens": ["New", "York"], "tags": ["B-X", 7]},
        mtlkit.RecipeError,
        "tasks.t.head.labels  the tag '7' of the row 'New York' is not known  the tags are: B-X, I-X, O",
    ),
    (
        {"tokens": ["New", "York"], "tags": ["O"]},
        mtlkit.DataError,
        "the row 'New York' has 2 words but 1 tags  'tags' must be as long as 'tokens'",
    ),
    (
        {"tokens": "New York", "tags": ["O"]},
        mtlkit.DataError,
        "the column 'tokens' holds text, not lists  one word and one tag for each place",
    ),
    (
        {"tokens": ["York"], "tags": "O"},
        mtlkit.DataError,
        "the column 'tags' holds text, not lists  one word and one tag for each place",
    ),
]


@pytest.mark.parametrize(("row", "error", "message"), CASES, ids=range(len(CASES)))
def test_a_wrong_row_is_named(row: dict[str, Any], error: type[mtlkit.MtlkitError], message: str) -> None:
    with pytest.raises(error) as caught:
        build().targets([row])
    assert str(caught.value) == message


def test_without_constraints_any_order_of_tags_is_read() -> None:
    assert build(constrained=False).targets([ROW]).tolist() == [[2, 1, 1]]


def test_a_missing_tag_may_be_the_beginning() -> None:
    row = {"tokens": ["Ada", "Lovelace"], "tags": [None, "I-X"]}
    assert build().targets([row]).tolist() == [[-100, 1]]


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        (
            (),
            "tasks.t.head.label  no training row has a value in the column 'tags'  name the column of the tags",
        ),
        (
            ("I-X", "O"),
            "tasks.t.head.constrained  the tags of the training rows have 'I-X' but never 'B-X', so they are not "
            "BIO  set constrained = false, or make the tags BIO (IOB2)",
        ),
    ],
)
def test_tag_sets_that_are_wrong(tags: tuple[str, ...], message: str) -> None:
    with pytest.raises(mtlkit.RecipeError) as caught:
        CrfHead(Crf(), mtlkit.HeadContext("t", HIDDEN, tags))
    assert str(caught.value) == message


def test_the_tags_listed_go_before_those_of_the_data() -> None:
    assert build(labels=("O", "B-X")).targets([{"tokens": ["a"], "tags": ["O"]}]).tolist() == [[0]]
