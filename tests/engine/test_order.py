from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from mtlkit.engine.order import Stream, length_chunks

names = st.sampled_from(("news", "new", "news_1", "reviews"))
seeds = st.integers(0, 2**63 - 1)


@given(names, st.integers(1, 40), seeds, st.lists(st.integers(0, 30), max_size=8))
def test_rows_taken_in_portions_are_the_rows_taken_at_once(name, rows, seed, portions):
    whole = Stream(name, rows, seed).take(0, sum(portions))
    stream, taken = Stream(name, rows, seed), []
    for portion in portions:
        taken += stream.take(len(taken), portion)
    assert taken == whole


@given(names, st.integers(1, 40), seeds, st.integers(0, 200), st.integers(0, 40))
def test_a_fresh_stream_goes_on_where_another_stopped(name, rows, seed, cursor, count):
    assert (
        Stream(name, rows, seed).take(cursor, count)
        == Stream(name, rows, seed).take(0, cursor + count)[cursor:]
    )


@given(names, st.integers(1, 40), seeds, st.integers(0, 3))
def test_every_pass_takes_every_row_once(name, rows, seed, number):
    assert Counter(Stream(name, rows, seed).take(number * rows, rows)) == Counter(range(rows))


@given(seeds)
def test_names_passes_and_seeds_have_orders_of_their_own(seed):
    rows = 50
    orders = {
        tuple(Stream("news", rows, seed).take(0, rows)),
        tuple(Stream("news", rows, seed).take(rows, rows)),
        tuple(Stream("new", rows, seed).take(0, rows)),
        tuple(Stream("news", rows, (seed + 1) % 2**63).take(0, rows)),
    }
    assert len(orders) == 4


@given(st.lists(st.integers(1, 9), max_size=60), st.integers(1, 9))
def test_chunks_hold_every_row_once_and_do_not_overlap_in_length(lengths, size):
    chunks = length_chunks(lengths, size)
    assert sorted(at for chunk in chunks for at in chunk) == list(range(len(lengths)))
    assert all(1 <= len(chunk) <= size for chunk in chunks)
    assert all(len(chunk) == size for chunk in chunks[:-1])
    ends = [(lengths[chunk[0]], lengths[chunk[-1]]) for chunk in chunks]
    assert all(before[1] <= after[0] for before, after in zip(ends, ends[1:], strict=False))
