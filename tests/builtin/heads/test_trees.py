from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mtlkit.builtin.heads.trees import best_tree, greedy


def is_tree(heads):
    """Whether every word reaches the root, and one word alone hangs from it."""
    for word in range(1, len(heads) + 1):
        seen = set()
        while word:
            if word in seen:
                return False
            seen.add(word)
            word = heads[word - 1]
    return list(heads).count(0) == 1


def total(scores, heads):
    return sum(scores[word, head] for word, head in enumerate(heads))


@st.composite
def arc_scores(draw):
    words = draw(st.integers(1, 5))
    return draw(arrays(np.float64, (words, words + 1), elements=st.integers(-20, 20).map(float)))


@settings(max_examples=150, deadline=None)
@given(arc_scores())
def test_the_best_tree_is_the_best_of_all_trees(scores):
    words = len(scores)
    trees = [heads for heads in product(range(words + 1), repeat=words) if is_tree(heads)]
    assert len(trees) == words ** (words - 1), "Cayley's formula, times the words the root may hold"
    found = best_tree(scores)
    assert is_tree(list(found))
    assert total(scores, found) == max(total(scores, heads) for heads in trees)


@pytest.mark.parametrize("words", [1, 2, 17, 60])
def test_many_words_have_a_tree_with_one_root(words):
    rng = np.random.default_rng(words)
    scores = rng.normal(size=(words, words + 1))
    scores[:, 0] += 10  # every word would rather be the root
    assert is_tree(list(best_tree(scores)))
    assert set(greedy(scores)) == {0}


def test_no_words_have_no_tree():
    assert best_tree(np.zeros((0, 1))).tolist() == []


@given(arc_scores())
def test_greedy_takes_the_best_head_that_is_not_the_word(scores):
    for word, head in enumerate(greedy(scores)):
        others = np.delete(scores[word], word + 1)
        assert head != word + 1
        assert scores[word, head] == others.max()
