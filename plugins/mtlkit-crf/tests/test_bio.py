"""The BIO scheme."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mtlkit_crf.bio import first_break, follows, without_begin

TAGS = ("B-X", "I-X", "B-Y", "I-Y", "O")


def fits(tags: tuple[str, ...]) -> bool:
    return all(follows(before, tag) for before, tag in zip([None, *tags], tags, strict=False))


def test_an_inside_tag_follows_its_own_type_only() -> None:
    allowed = {(before, tag) for before, tag in product([None, *TAGS], TAGS) if follows(before, tag)}
    wanted = {(before, tag) for before in [None, *TAGS] for tag in ("B-X", "B-Y", "O")}
    assert allowed == wanted | {("B-X", "I-X"), ("I-X", "I-X"), ("B-Y", "I-Y"), ("I-Y", "I-Y")}
    assert [follows(before, "I") for before in ("B", "I", "O", "B-X", None)] == [
        True,
        True,
        False,
        False,
        False,
    ]
    assert follows("O", "INTJ")


@given(tags=st.lists(st.sampled_from([None, *TAGS]), max_size=4))
def test_tags_break_where_no_choice_of_the_missing_ones_fits(tags: list[str | None]) -> None:
    place = first_break(tags)

    def some(part: list[str | None]) -> bool:
        return any(map(fits, product(*[TAGS if tag is None else (tag,) for tag in part])))

    assert some(tags) == (place is None)
    if place is not None:
        assert some(tags[:place])
        assert not some(tags[: place + 1])


@pytest.mark.parametrize(
    ("names", "lost"), [(TAGS, []), (("I-X", "O"), ["I-X"]), (("B", "I-X", "I"), ["I-X"]), (("NN", "IN"), [])]
)
def test_inside_tags_without_their_begin_tag(names: tuple[str, ...], lost: list[str]) -> None:
    assert without_begin(names) == lost
