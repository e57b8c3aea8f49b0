import warnings

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from seqeval.metrics import f1_score
from seqeval.metrics.sequence_labeling import get_entities

from mtlkit.builtin.metrics.entity_f1 import entity_f1, spans

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
