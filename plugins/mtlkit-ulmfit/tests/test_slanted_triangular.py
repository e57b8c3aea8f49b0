import math
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from mtlkit import Progress
from mtlkit.testing.strategies import progresses

from mtlkit_ulmfit import SlantedTriangular

SHARES = st.integers(1, 99).map(lambda hundredths: hundredths / 100)
RATIOS = st.floats(1, 1000)
CURVES = st.builds(SlantedTriangular, SHARES, RATIOS)


def factors(curve, total):
    return [curve.factor(Progress(step, total, 7), step) for step in range(total + 1)]


def stlr(t, T, cut_frac, ratio):
    """Equation 3 of the paper, word by word."""
    cut = math.floor(T * cut_frac)
    p = t / cut if t < cut else 1 - (t - cut) / (cut * (1 / cut_frac - 1))
    return (1 + p * (ratio - 1)) / ratio


@pytest.mark.parametrize("total", [10, 20, 100, 1000])
def test_the_paper_s_formula_at_every_step(total):
    ours = factors(SlantedTriangular(), total)
    assert ours == pytest.approx([stlr(t, total, 0.1, 32) for t in range(total + 1)], rel=1e-12)
    assert len(ours) == total + 1


@given(st.integers(1, 400), SHARES, st.floats(1, 100))
@example(19, 0.1, 32.0)
@example(100, 0.29, 32.0)
@settings(max_examples=150)
def test_the_paper_s_formula_wherever_it_is_in_range(total, cut_frac, ratio):
    """In exact arithmetic; where it would fall below 1/ratio the factor stays there."""
    share, top = Fraction(str(cut_frac)), Fraction(ratio)
    cut = math.floor(total * share)
    ours = factors(SlantedTriangular(cut_frac, ratio), total)
    if not cut:
        expected = [1 - Fraction(t, total) for t in range(total + 1)]
    else:
        expected = [
            Fraction(t, cut) if t < cut else 1 - (t - cut) / (cut * (1 / share - 1)) for t in range(total + 1)
        ]
    for p, factor in zip(expected, ours, strict=True):
        assert factor == pytest.approx(float((1 + max(Fraction(0), p) * (top - 1)) / top), rel=1e-12)
    if cut and cut == total * share:
        assert all(p >= 0 for p in expected)  # only rounding leads below


def test_a_fall_shortened_by_rounding_ends_at_the_floor():
    """T = 19: cut is 1, not 1.9, and the fall 9 steps; the formula alone would reach -0.94."""
    assert stlr(19, 19, 0.1, 32) == pytest.approx(-30 / 32)
    ours = factors(SlantedTriangular(), 19)
    assert ours[:2] == [1 / 32, 1]
    assert ours[9] > 1 / 32
    assert ours[10:] == [1 / 32] * 10


@pytest.mark.parametrize(
    ("total", "expected"),
    [
        (0, [1.0]),
        (1, [1.0, 1 / 32]),
        (2, [1.0, (1 + 31 / 2) / 32, 1 / 32]),
        (9, [(1 + (1 - t / 9) * 31) / 32 for t in range(10)]),
        (10, [1 / 32, *((1 + (1 - t / 9) * 31) / 32 for t in range(10))]),
    ],
)
def test_short_runs(total, expected):
    assert factors(SlantedTriangular(), total) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("total", "cut_frac", "peak"), [(100, 0.29, 29), (100, 0.57, 57), (30, 0.1, 3)])
def test_cut_frac_is_a_decimal_number(total, cut_frac, peak):
    ours = factors(SlantedTriangular(cut_frac), total)
    assert ours.index(max(ours)) == peak


@given(CURVES, st.integers(1, 400))
@settings(max_examples=80)
def test_rises_to_one_within_the_run_then_falls(curve, total):
    ours = factors(curve, total)
    cut = math.floor(total * Fraction(str(curve.cut_frac)))
    assert ours[cut] == pytest.approx(1, rel=1e-12)
    assert cut < total
    assert all(before <= after for before, after in pairwise(ours[: cut + 1]))
    assert all(before >= after for before, after in pairwise(ours[cut:]))
    assert ours[-1] == pytest.approx(1 / curve.ratio, rel=1e-9)
    assert ours[0] == pytest.approx(1 / curve.ratio if cut else 1, rel=1e-12)


@given(CURVES, progresses(), st.integers(0, 1000))
def test_between_the_floor_and_one_and_blind_to_age(curve, progress, age):
    factor = curve.factor(progress, age)
    assert type(factor) is float
    assert 1 / curve.ratio - 1e-12 <= factor <= 1 + 1e-12
    assert curve.factor(progress, 0) == factor


@given(CURVES, st.integers(0, 200), st.integers(1, 50))
def test_constant_after_the_end(curve, total, per_epoch):
    steps = (total, total + 1, 2 * total + 1, 10**9)
    assert len({curve.factor(Progress(step, total, per_epoch), 0) for step in steps}) == 1


def test_it_does_not_stretch():
    """Ten times the 19 steps are no ten times slower copy; the class says so."""
    curve = SlantedTriangular()
    assert curve.stretches is False
    assert factors(curve, 190)[150] > 7 * factors(curve, 19)[15]
