from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from mtlkit.builtin.samplers.proportional import Proportional
from mtlkit.builtin.samplers.round_robin import RoundRobin
from mtlkit.builtin.samplers.share import divide
from mtlkit.builtin.samplers.temperature import Temperature
from mtlkit.builtin.samplers.uniform import Uniform
from mtlkit.contracts.progress import Progress
from mtlkit.contracts.sampling import Source

ALPHA = 1e-6
START = Progress(0, 100, 10)
SOURCES = st.dictionaries(
    st.text("abcxyz", min_size=1, max_size=3), st.integers(1, 10**9), min_size=1, max_size=6
).map(lambda sizes: tuple(Source(name, rows) for name, rows in sizes.items()))
UNITS = st.sampled_from(("batch", "row"))
SAMPLERS = st.one_of(
    st.builds(Proportional, UNITS),
    st.builds(Uniform, UNITS),
    st.builds(RoundRobin, UNITS),
    st.builds(Temperature, st.floats(1, 100), st.none() | st.integers(1, 10**6), UNITS),
)


@given(SAMPLERS, SOURCES, st.integers(0, 10**9), st.integers(0), st.integers(0, 300), st.data())
@settings(max_examples=300)
def test_totals_purity_and_order(sampler, sources, step, seed, batch, data):
    progress = Progress(step, 100, 10)
    mix = sampler.mix(sources, progress, Random(seed), batch)
    shuffled = tuple(data.draw(st.permutations(sources)))
    assert set(mix) == {source.name for source in sources}
    assert sum(mix.values()) == batch
    assert all(isinstance(rows, int) and rows >= 0 for rows in mix.values())
    assert sampler.mix(sources, progress, Random(seed), batch) == mix
    assert sampler.mix(shuffled, progress, Random(seed), batch) == mix
    if sampler.unit == "batch":
        assert sorted(mix.values())[-1] == batch


@given(
    st.dictionaries(st.text(max_size=3), st.floats(1e-3, 1e12), min_size=1, max_size=8),
    st.integers(0),
    st.integers(0, 1000),
)
def test_a_division_is_the_quota_rounded_up_or_down(weights, seed, batch):
    total = sum(weights.values())
    for name, rows in divide(weights, Random(seed), batch).items():
        assert abs(rows - batch * weights[name] / total) < 1 + 1e-6


class Last(Random):
    def random(self) -> float:
        return 1 - 2**-53


def test_the_largest_offset_gives_no_row_too_many():
    assert sum(divide({"a": 1, "b": 1, "c": 1}, Last(), 32).values()) == 32


SIZES = (Source("a", 900), Source("b", 90), Source("c", 10))


def tempered(temperature, cap=10**9):
    weights = [min(source.rows, cap) ** (1 / temperature) for source in SIZES]
    return [weight / sum(weights) for weight in weights]


CASES = [
    (Proportional, {}, [0.9, 0.09, 0.01]),
    (Uniform, {}, [1 / 3] * 3),
    (Temperature, {"temperature": 2.0}, tempered(2)),
    (Temperature, {"temperature": 5.0, "cap": 100}, tempered(5, 100)),
]


@pytest.mark.parametrize(("sampler", "options", "shares"), CASES)
def test_batches_are_drawn_with_the_stated_frequencies(sampler, options, shares):
    steps = 20_000
    counts = [0, 0, 0]
    for step in range(steps):
        mix = sampler(**options).mix(SIZES, START, Random(step), 8)
        counts[list(mix.values()).index(8)] += 1
    assert chisquare(counts, [steps * share for share in shares]).pvalue > ALPHA


@pytest.mark.parametrize(("sampler", "options", "shares"), CASES)
@pytest.mark.parametrize("batch", [1, 7])
def test_rows_are_divided_with_the_stated_expectations(sampler, options, shares, batch):
    steps = 20_000
    ups = [0, 0, 0]
    for step in range(steps):
        mix = sampler(unit="row", **options).mix(SIZES, START, Random(step), batch)
        for place, (rows, share) in enumerate(zip(mix.values(), shares, strict=True)):
            ups[place] += rows - int(batch * share)
    for up, share in zip(ups, shares, strict=True):
        chance = batch * share - int(batch * share)
        assert chisquare([up, steps - up], [steps * chance, steps * (1 - chance)]).pvalue > ALPHA


@given(st.lists(st.integers(1, 10**6), min_size=2, max_size=5), st.integers(1, 64))
def test_temperature_1_is_proportional_and_a_high_one_uniform(sizes, batch):
    sources = tuple(Source(str(place), rows) for place, rows in enumerate(sizes))
    for seed in range(5):
        proportional = Proportional("row").mix(sources, START, Random(seed), batch)
        assert Temperature(1.0, None, "row").mix(sources, START, Random(seed), batch) == proportional
    uniform = Temperature(1e12, None, "row").mix(sources, START, Random(0), batch)
    assert max(uniform.values()) - min(uniform.values()) <= 2


@given(st.integers(1, 6), st.integers(0, 40), UNITS, st.integers(0, 1000))
def test_round_robin_is_fair_after_each_round(count, batch, unit, first):
    sources = tuple(Source(f"s{number}", number + 1) for number in range(count))
    total = dict.fromkeys((source.name for source in sources), 0)
    for step in range(first, first + count):
        for name, rows in RoundRobin(unit).mix(sources, Progress(step, 10, 5), Random(0), batch).items():
            total[name] += rows
    assert set(total.values()) == {batch}


def test_round_robin_of_rows_goes_on_where_it_stopped():
    sources = (Source("b", 1), Source("a", 1), Source("c", 1))
    mixes = [dict(RoundRobin("row").mix(sources, Progress(step, 9, 9), Random(0), 4)) for step in range(3)]
    assert mixes == [{"a": 2, "b": 1, "c": 1}, {"a": 1, "b": 2, "c": 1}, {"a": 1, "b": 1, "c": 2}]


@pytest.mark.parametrize("sampler", [Proportional(), Uniform(), Temperature(), RoundRobin()])
def test_empty_sources_are_refused(sampler):
    with pytest.raises(ValueError, match=r".") as caught:
        sampler.mix((Source("a", 3), Source("b", 0)), START, Random(0), 4)
    assert str(caught.value) == "source 'b' has no rows to sample from"
    with pytest.raises(ValueError, match=r".") as caught:
        sampler.mix((), START, Random(0), 4)
    assert str(caught.value) == "there is no source to sample from"
