"""Buckets of like length: every row once, whatever the portions, the seed or the lengths."""

import numpy as np
from engine_recipes import final_bytes, run_recipe, write_recipe
from hypothesis import given
from hypothesis import strategies as st

from mtlkit.engine.buckets import FEWEST_WINDOWS, WINDOW, bucketed
from mtlkit.engine.order import Buckets, Stream

seeds = st.integers(0, 2**63 - 1)
sizes = st.integers(1, 9)
lengths_of_rows = st.lists(st.integers(1, 30), min_size=1, max_size=120)


def stream(lengths, size, seed=0, name="news"):
    return Stream(name, len(lengths), seed, Buckets(size, lambda: lengths))


@given(lengths_of_rows, sizes, seeds, st.integers(0, 3))
def test_every_pass_takes_every_row_once(lengths, size, seed, number):
    rows = len(lengths)
    assert sorted(stream(lengths, size, seed).take(number * rows, rows)) == list(range(rows))


@given(lengths_of_rows, sizes, seeds, st.lists(st.integers(0, 40), max_size=8))
def test_a_fresh_stream_goes_on_after_any_portion(lengths, size, seed, portions):
    whole = stream(lengths, size, seed).take(0, sum(portions))
    taken = []
    for portion in portions:
        taken += stream(lengths, size, seed).take(len(taken), portion)
    assert taken == whole


@given(st.lists(st.integers(1, 30), min_size=40, max_size=120), st.integers(1, 4), seeds, st.integers(0, 3))
def test_rows_between_two_borders_of_the_stream_are_neighbours_in_their_window(lengths, size, seed, number):
    """Taken batch by batch, a batch inside a pass is a run of one window's rows by length."""
    rows, made = len(lengths), stream(lengths, size, seed)
    first, last = -(-number * rows // size), (number + 1) * rows // size
    batches = [made.take(at * size, size) for at in range(first, last)]
    assert all([lengths[row] for row in batch] == sorted(lengths[row] for row in batch) for batch in batches)
    windows = max(FEWEST_WINDOWS, -(-len(batches) // WINDOW))
    plain = Stream("news", rows, seed).take(first * size, len(batches) * size)
    expected = []
    for numbers in np.array_split(np.arange(len(batches)), windows):
        window = [row for at in numbers for row in plain[at * size : (at + 1) * size]]
        window.sort(key=lambda row: lengths[row])
        expected += [window[at : at + size] for at in range(0, len(window), size)]
    assert sorted(batches) == sorted(expected)


@given(st.integers(1, 200), st.integers(1, 9), st.integers(0, 50))
def test_without_differences_in_length_only_whole_batches_move(rows, size, before):
    shuffled = np.arange(rows)
    found = bucketed(shuffled, [7] * rows, size, before, lambda count: np.arange(count)[::-1])
    head = min(-before % size, rows)
    end = head + (rows - head) // size * size
    assert found[:head].tolist() == shuffled[:head].tolist()
    assert found[end:].tolist() == shuffled[end:].tolist()
    batches = found[head:end].reshape(-1, size)
    assert all(batch[-1] - batch[0] == size - 1 for batch in batches)
    if len(batches) >= 2 * FEWEST_WINDOWS:
        assert batches[:, 0].tolist() == sorted(batches[:, 0], reverse=True), (
            "in the order of the permutation"
        )


def test_few_batches_stay_in_random_order():
    lengths = list(range(79))
    assert stream(lengths, 10).take(0, 79) == Stream("news", 79, 0).take(0, 79)
    lengths.append(79)
    assert stream(lengths, 10).take(0, 80) != Stream("news", 80, 0).take(0, 80)


def test_less_is_padded_than_in_random_order():
    lengths = np.random.RandomState(0).randint(5, 60, 2000)
    padded = {}
    for made in (stream(lengths, 32), Stream("news", 2000, 0)):
        batches = lengths[made.take(0, 1984)].reshape(-1, 32)
        padded[made.buckets is not None] = 1 - batches.sum() / (32 * batches.max(1)).sum()
    assert padded[True] < 0.06 < 0.4 < padded[False]


def test_seeds_names_and_passes_have_orders_of_their_own():
    lengths = [row % 7 for row in range(60)]
    orders = [
        stream(lengths, 4, seed, name).take(number * 60, 60)
        for seed, name, number in ((0, "news", 0), (0, "news", 1), (1, "news", 0), (0, "new", 0))
    ]
    assert len(set(map(tuple, orders))) == 4


def test_a_run_in_buckets_is_the_same_every_time_and_another_than_without(tmp_path):
    ended = []
    for name, batching in (("a", "buckets"), ("b", "buckets"), ("c", "random")):
        (tmp_path / name).mkdir()
        path = write_recipe(tmp_path / name, training=f'batching = "{batching}"', batch=4, length="1ep")
        ended.append(final_bytes(run_recipe(path)[0]))
    assert ended[0] == ended[1] != ended[2]
