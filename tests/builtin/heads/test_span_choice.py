from hypothesis import given, settings
from hypothesis import strategies as st

from mtlkit.builtin.heads.span_choice import Candidate, chosen


@st.composite
def candidates(draw):
    begin = draw(st.integers(0, 8))
    return Candidate(
        begin, begin + draw(st.integers(1, 5)), draw(st.sampled_from("ab")), draw(st.integers(0, 6))
    )


def clash(one, other, nested):
    words, others = set(range(one.begin, one.end)), set(range(other.begin, other.end))
    crossing = bool(words & others)
    return crossing and not (nested and (words <= others or words >= others))


@settings(max_examples=200)
@given(
    st.lists(candidates(), max_size=12, unique_by=lambda each: (each.begin, each.end, each.label)),
    st.booleans(),
)
def test_a_candidate_is_left_out_only_for_a_better_one_taken(given_ones, nested):
    taken = chosen(given_ones, nested=nested)
    for place, one in enumerate(taken):
        assert not any(clash(one, other, nested) for other in taken[place + 1 :])
    for one in given_ones:
        rivals = [other for other in taken if clash(one, other, nested)]
        assert one in taken or any(other.score >= one.score for other in rivals)
    assert taken == sorted(taken, key=lambda each: (each.begin, each.end, each.label))


@given(st.permutations([Candidate(0, 3, "a", 2.0), Candidate(1, 2, "b", 1.0), Candidate(2, 4, "a", 2.0)]))
def test_the_order_of_candidates_does_not_matter(given_ones):
    first, inner, _ = Candidate(0, 3, "a", 2.0), Candidate(1, 2, "b", 1.0), None
    assert chosen(given_ones, nested=False) == [first]
    assert chosen(given_ones, nested=True) == [first, inner]
