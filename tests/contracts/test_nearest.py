"""The word that was meant: as difflib says for what people write, and quickly for what they don't."""

import time
from difflib import get_close_matches

from hypothesis import given
from hypothesis import strategies as st

from mtlkit.contracts.nearest import WORK, nearest

WORDS = st.text("abcdefg_", min_size=1, max_size=12)


@given(WORDS, st.lists(WORDS, max_size=20, unique=True))
def test_usual_words_are_put_right_as_difflib_does(word, known):
    assert len(word) * sum(map(len, known)) <= WORK
    close = get_close_matches(word, known, n=1)
    assert nearest(word, known) == (close[0] if close else None)


def test_among_thousands_the_likeliest_is_found_in_bounded_time():
    known = [f"label_{number:04}" for number in range(9_000)] + ["sentiment"]
    begun = time.process_time()
    assert nearest("sentimnet", known) == "sentiment"
    assert nearest("x" * 60_000, ["x" * 60_000, "y" * 60_000]) is None
    assert nearest("a" * 64, ["ab" * 30_000] * 9_000) is None
    assert time.process_time() - begun < 5
