from itertools import product

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mtlkit.builtin.heads.best_tags import best_tags, rules
from mtlkit.builtin.heads.tag_schemes import follows, impossible, lone
from mtlkit.builtin.metrics.entity_f1 import spans, strict_spans

TAGS = {
    "bio": ("O", "B-x", "I-x", "B-y", "I-y"),
    "bioes": ("O", "B-x", "I-x", "E-x", "S-x", "S-y"),
}
schemes = pytest.mark.parametrize("scheme", TAGS)


def valid(tags, scheme):
    pairs = zip([None, *tags], [*tags, None], strict=True)
    return all(follows(before, tag, scheme) for before, tag in pairs if before is not None or tag is not None)


def best(scores, names, scheme):
    found = best_tags(scores, torch.full((len(scores),), scores.shape[1]), rules(names, scheme))
    return [[names[number] for number in row] for row in found.tolist()]


@schemes
@settings(max_examples=30, deadline=None)
@given(words=st.integers(1, 4), seed=st.integers(0, 999))
def test_the_best_tags_are_the_best_of_all_valid_sequences(scheme, words, seed):
    names = TAGS[scheme]
    scores = torch.randn(1, words, len(names), generator=torch.Generator().manual_seed(seed))
    sequences = [tags for tags in product(names, repeat=words) if valid(tags, scheme)]
    totals = [sum(scores[0, at, names.index(tag)] for at, tag in enumerate(tags)) for tags in sequences]
    [found] = best(scores, names, scheme)
    assert tuple(found) == sequences[int(torch.stack(totals).argmax())]


@schemes
@given(seed=st.integers(0, 999))
def test_valid_sequences_are_read_alike_by_both_readings_of_seqeval(scheme, seed):
    scores = torch.randn(3, 7, len(TAGS[scheme]), generator=torch.Generator().manual_seed(seed))
    for tags in best(scores, TAGS[scheme], scheme):
        assert spans(tags) == strict_spans(tags, ends=scheme == "bioes")


@schemes
def test_what_is_valid_is_what_strict_reading_finds_whole(scheme):
    for tags in product(TAGS[scheme], repeat=3):
        words = {
            word
            for _, first, last in strict_spans(tags, ends=scheme == "bioes")
            for word in range(first, last + 1)
        }
        whole = all((tag == "O") == (place not in words) for place, tag in enumerate(tags))
        assert valid(tags, scheme) == whole, tags


@schemes
def test_words_behind_the_end_of_a_row_have_no_say(scheme):
    names = TAGS[scheme]
    scores = torch.randn(2, 5, len(names), generator=torch.Generator().manual_seed(1))
    found = best_tags(scores, torch.tensor([3, 5]), rules(names, scheme))
    assert (
        found[0, :3].tolist()
        == best_tags(scores[:1, :3], torch.tensor([3]), rules(names, scheme))[0].tolist()
    )


def test_tags_that_could_never_stand():
    assert impossible(["O", "I-x"], "bio") == [("I-x", "B-x")]
    assert impossible(["O", "B", "I"], "bio") == []
    assert impossible(["O", "B-x", "I-y", "Ix"], "none") == []
    assert impossible(["B-x", "S-x"], "bioes") == [("B-x", "E-x")]
    assert impossible(["B-x", "E-x", "I-y"], "bioes") == [("I-y", "B-y"), ("I-y", "E-y")]
    assert impossible(["NOUN", "VERB"], "bioes") == []
    assert lone(["B-x", "I-x"], "bio") == ["B-x"]
    assert lone(["B-x", "E-x"], "bioes") == []


def test_everything_may_follow_everything_without_a_scheme():
    assert rules(["O", "I-x"], "none").follow.all()
    assert rules(["O", "I-x"], "none").first.all()
