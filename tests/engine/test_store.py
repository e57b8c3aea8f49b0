import torch
from hypothesis import given
from hypothesis import strategies as st

from mtlkit.engine.store import Store, pad

lengths = st.lists(st.integers(1, 5), min_size=1, max_size=80)


def value_of(lengths, row):
    return torch.full((lengths[row], 2), float(row))


class Computing:
    """Counts what is computed; a row's value carries its number."""

    def __init__(self, lengths):
        self.lengths, self.chunks = lengths, []

    def __call__(self, chunk):
        self.chunks.append(tuple(chunk))
        return [value_of(self.lengths, row) for row in chunk]


@given(lengths, st.data(), st.sampled_from([0, 100, 1000, 10**9]))
def test_the_wanted_rows_come_back_in_order_whatever_fits(lengths, data, max_bytes):
    store, compute = Store(max_bytes), Computing(lengths)
    for _ in range(3):
        wanted = data.draw(st.lists(st.integers(0, len(lengths) - 1), max_size=20))
        found = store.rows(("k",), 1, lengths, wanted, compute)
        assert all(
            torch.equal(value, value_of(lengths, row)) for value, row in zip(found, wanted, strict=True)
        )
        assert len(found) == len(wanted)
        assert store.used <= max_bytes


@given(lengths, st.data())
def test_what_is_kept_is_computed_once_and_always_in_the_same_chunks(lengths, data):
    roomy, tight = Computing(lengths), Computing(lengths)
    kept, evicted = Store(), Store(0)
    for _ in range(3):
        wanted = data.draw(st.lists(st.integers(0, len(lengths) - 1), max_size=20))
        kept.rows(("k",), 1, lengths, wanted, roomy)
        evicted.rows(("k",), 1, lengths, wanted, tight)
    assert len(set(roomy.chunks)) == len(roomy.chunks)
    assert set(tight.chunks) == set(roomy.chunks)


@given(st.integers(0, 4), st.sets(st.integers(0, 4), min_size=1))
def test_what_thawed_weights_went_into_is_forgotten_and_nothing_else(lowest, depths):
    store, compute = Store(), Computing([1, 2])
    for depth in depths:
        store.rows(("k",), depth, [1, 2], [0], compute)
    used = store.used
    store.forget(lowest)
    left = [depth for depth in depths if depth < lowest]
    assert store.used == used * len(left) // len(depths)
    compute.chunks.clear()
    for depth in depths:
        store.rows(("k",), depth, [1, 2], [0, 1], compute)
    assert len(compute.chunks) == len(depths) - len(left)
    assert store.used == used


def test_keys_and_depths_do_not_mix():
    store = Store()
    for key, depth in ((("a",), 1), (("a",), 2), (("b",), 1)):
        number = len(key[0]) * depth + (key == ("b",)) * 10.0

        def made(chunk, number=number):
            return [torch.tensor([number])] * len(chunk)

        assert store.rows(key, depth, [1], [0], made)[0].item() == number


def test_padding_puts_zeros_behind():
    padded = pad([torch.ones(1, 2), torch.ones(3, 2)])
    assert padded.tolist() == [[[1, 1], [0, 0], [0, 0]], [[1, 1], [1, 1], [1, 1]]]
