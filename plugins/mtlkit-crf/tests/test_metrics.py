"""Metrics against seqeval."""

import warnings

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from mtlkit_crf.metrics import entities, entity_f1, word_accuracy
from seqeval.metrics import accuracy_score, f1_score
from seqeval.metrics.sequence_labeling import get_entities

TAGS = [f"{prefix}-{kind}" for prefix in "BIES" for kind in ("X", "Y")] + ["O"]
tags = st.lists(st.sampled_from(TAGS), min_size=1, max_size=6)
pairs = st.lists(st.tuples(st.sampled_from(TAGS), st.sampled_from(TAGS)), min_size=1, max_size=6)


@settings(max_examples=300)
@given(row=tags)
def test_entities_are_those_of_seqeval(row: list[str]) -> None:
    assert entities(row) == set(get_entities(row))


@given(rows=st.lists(pairs, min_size=1, max_size=4))
def test_values_are_those_of_seqeval(rows: list[list[tuple[str, str]]]) -> None:
    predicted, gold = ([[pair[side] for pair in row] for row in rows] for side in (0, 1))
    assume(any(entities(row) for row in gold))
    f1, share = entity_f1(predicted, gold), word_accuracy(predicted, gold)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # seqeval's, where nothing is predicted
        assert f1.compute(f1.records) == pytest.approx(f1_score(gold, predicted))
    assert share.compute(share.records) == pytest.approx(accuracy_score(gold, predicted))
    assert (f1.name, share.name) == ("entity-f1", "token-accuracy")


def test_missing_tags_count_as_outside_and_are_not_judged() -> None:
    predicted = [["B-X", "I-X", "O"], ["B-X"]]
    gold: list[list[str | None]] = [["B-X", None, "O"], [None]]
    assert entity_f1(predicted, gold).records.tolist() == [[0, 1, 1], [0, 1, 0]]
    assert word_accuracy(predicted, gold).records.tolist() == [[2, 2], [0, 0]]


def test_no_entities_and_no_rows_are_worth_nothing() -> None:
    for measure in (entity_f1([["O"]], [["O"]]), entity_f1([], []), word_accuracy([], [])):
        assert measure.compute(measure.records) == 0.0
    assert entity_f1([], []).compute(np.zeros((0, 3))) == 0.0
