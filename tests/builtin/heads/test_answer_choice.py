import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from mtlkit.builtin.heads.answer_choice import best_answer


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 7), st.integers(1, 4), st.randoms(use_true_random=False))
def test_the_best_answer_is_the_best_of_all_pairs(tokens, longest, random):
    spans = [(3 * number, 3 * number + 2) for number in range(tokens)]
    windows = [*spans, *random.sample(spans, random.randint(0, tokens))]  # some tokens are there twice
    random.shuffle(windows)
    starts, ends = ([random.uniform(-5, 5) for _ in windows] for _ in range(2))
    sums = {
        (first[0], last[1]): max(
            starts[one] + ends[other]
            for one, each in enumerate(windows)
            for other, another in enumerate(windows)
            if (each, another) == (first, last)
        )
        for place, first in enumerate(spans)
        for last in spans[place : place + longest]
    }
    begin, end, score = best_answer(np.array(starts), np.array(ends), np.array(windows), longest)
    assert (begin, end) == max(sums, key=sums.get)
    assert score == sums[begin, end]


def test_without_tokens_there_is_no_answer():
    assert best_answer(np.zeros(0), np.zeros(0), np.zeros((0, 2)), 3) is None
