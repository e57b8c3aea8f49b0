"""Laws of every metric: mergeable, in any order, defined for every selection, silent."""

from math import isfinite, isnan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from metric_cases import KINDS, LOWER_IS_BETTER, measures, measures_of

SEEDS = st.integers(0, 2**16)


@pytest.mark.parametrize("kind", KINDS)
def test_the_names_that_a_recipe_may_write_are_the_names_of_the_measures(kind):
    chosen = KINDS[kind][1]
    found = measures(kind, 0, 5)
    assert tuple(each.name for each in found) == chosen
    assert {each.name for each in found if not each.higher_is_better} == LOWER_IS_BETTER & {*chosen}
    backwards = KINDS[kind][0](chosen[::-1], *KINDS[kind][2](np.random.default_rng(0), 5))
    assert tuple(each.name for each in backwards) == chosen[::-1]


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=30, deadline=None)
@given(seed=SEEDS, count=st.integers(1, 12), data=st.data())
def test_records_of_batches_put_together_are_those_of_the_whole(kind, seed, count, data):
    sides = KINDS[kind][2](np.random.default_rng(seed), count)
    cut = data.draw(st.integers(0, count))
    order = data.draw(st.permutations(range(count)))
    whole = measures_of(kind, sides, list(range(count)))
    parts = [measures_of(kind, sides, order[:cut]), measures_of(kind, sides, order[cut:])]
    for each, first, second in zip(whole, *parts, strict=True):
        merged = np.concatenate([first.records, second.records])
        assert np.isclose(each.compute(merged), each.compute(each.records), rtol=1e-12), each.name


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=30, deadline=None)
@given(seed=SEEDS, count=st.integers(1, 6), data=st.data())
def test_every_metric_is_a_number_for_every_selection(kind, seed, count, data):
    chosen = data.draw(st.lists(st.integers(0, count - 1), min_size=1, max_size=8))
    for each in measures(kind, seed, count):
        assert each.records.ndim == 2
        assert len(each.records) == count
        assert isfinite(each.compute(each.records[chosen])), each.name
        assert isnan(each.compute(each.records[:0])), each.name


@pytest.mark.parametrize("kind", KINDS)
def test_no_rows_at_all_are_no_error(kind):
    for each in measures(kind, 0, 0):
        assert len(each.records) == 0
        assert isnan(each.compute(each.records))
