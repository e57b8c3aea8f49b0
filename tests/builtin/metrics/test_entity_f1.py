import warnings
from operator import itemgetter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from seqeval.metrics import f1_score
from seqeval.metrics.sequence_labeling import get_entities
from seqeval.scheme import IOB2, IOBES

from mtlkit.builtin.metrics.entity_f1 import entity_f1, entity_f1_strict, spans, strict_spans

TAGS = ["O", *(f"{prefix}-{kind}" for prefix in "BIES" for kind in ("PER", "LOC", "A-B"))]
SENTENCES = st.lists(
    st.integers(0, 9).flatmap(
        lambda n: st.tuples(*[st.lists(st.sampled_from(TAGS), min_size=n, max_size=n)] * 2)
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=500)
@given(st.lists(st.sampled_from(TAGS), max_size=12))
def test_spans_are_those_of_seqeval(tags):
    assert spans(tags) == set(get_entities(tags))


@settings(max_examples=200)
@given(SENTENCES, st.data())
def test_entity_f1_is_that_of_seqeval_on_any_selection(sentences, data):
    predicted, gold = zip(*sentences, strict=True)
    measure = entity_f1(predicted, gold)
    chosen = data.draw(st.lists(st.integers(0, len(sentences) - 1), min_size=1))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # seqeval warns where there is no entity
        wanted = f1_score([gold[place] for place in chosen], [predicted[place] for place in chosen])
    assert np.isclose(measure.compute(measure.records[chosen]), wanted)


def test_a_missing_tag_is_outside():
    measure = entity_f1([["B-X", "I-X"]], [["B-X", None]])
    assert measure.records.tolist() == [[0, 1, 1]]


@pytest.mark.parametrize("ends", [False, True])
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_strict_entity_f1_is_that_of_seqeval_on_any_selection(ends, data):
    kinds = ("PER", "LOC")
    tags = st.sampled_from(
        ["O", *(f"{prefix}-{kind}" for prefix in ("BIES" if ends else "BI") for kind in kinds)]
    )
    pairs = data.draw(
        st.lists(st.lists(st.tuples(tags, tags), min_size=1, max_size=9), min_size=1, max_size=5)
    )
    predicted, gold = ([[*map(itemgetter(side), pair)] for pair in pairs] for side in (0, 1))
    measure = entity_f1_strict(predicted, gold, ["S-PER"] if ends else [])
    chosen = data.draw(st.lists(st.integers(0, len(pairs) - 1), min_size=1))
    scheme = IOBES if ends else IOB2
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # seqeval and numpy warn where there is no entity
        wanted = f1_score(
            [gold[place] for place in chosen],
            [predicted[place] for place in chosen],
            mode="strict",
            scheme=scheme,
        )
    assert np.isclose(measure.compute(measure.records[chosen]), wanted)


def test_strict_entities_begin_and_end_as_they_should():
    assert strict_spans(["I-X", "B-X", "I-X", "I-Y"], ends=False) == {("X", 1, 2)}
    assert strict_spans(["B-X", "I-X", "O", "B-Y", "E-Y", "S-Z"], ends=True) == {("Y", 3, 4), ("Z", 5, 5)}
    assert strict_spans(["X", "Y"], ends=False) == set()
