from fractions import Fraction
from math import floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtlkit.builtin.curves.slanted_triangular import SlantedTriangular
from mtlkit.contracts.duration import Duration
from mtlkit.contracts.progress import Progress
from mtlkit.testing.strategies import progresses


def equation_3(t: int, total: int, cut_frac: Fraction, ratio: int) -> Fraction:
    """ULMFiT's equation as it is printed, in whole numbers."""
    cut = floor(total * cut_frac)
    p = Fraction(t, cut) if t < cut else 1 - Fraction(t - cut) / (cut * (1 / cut_frac - 1))
    return (1 + p * (ratio - 1)) / ratio


@given(st.integers(1, 40), st.sampled_from(("0.1", "0.2", "0.25", "0.29", "0.5")), st.integers(1, 64))
def test_the_equation_of_the_paper_where_the_cut_is_a_whole_step(units, cut_frac, ratio):
    share = Fraction(cut_frac)
    total = units * share.denominator
    curve = SlantedTriangular(float(cut_frac), float(ratio))
    for step in range(total + 1):
        expected = float(equation_3(step, total, share, ratio))
        assert curve.factor(Progress(step, total, 7), step) == pytest.approx(expected, rel=1e-12)


@given(st.integers(1, 200), st.floats(0.01, 0.99), st.floats(1, 100))
def test_up_to_one_once_and_down_to_the_floor_at_the_end(total, cut_frac, ratio):
    curve = SlantedTriangular(cut_frac, ratio)
    factors = [curve.factor(Progress(step, total, 7), step) for step in range(total + 1)]
    top = floor(total * Fraction(str(cut_frac)))
    assert factors[top] == 1
    assert factors[: top + 1] == sorted(factors[: top + 1])
    assert factors[top:] == sorted(factors[top:], reverse=True)
    assert factors[-1] == pytest.approx(1 / ratio)
    assert min(factors) >= 1 / ratio - 1e-12


def test_a_short_run_has_no_rise():
    curve = SlantedTriangular()
    factors = [curve.factor(Progress(step, 4, 7), step) for step in range(5)]
    assert factors == pytest.approx([1, 1 - 0.25 * 31 / 32, 1 - 0.5 * 31 / 32, 1 - 0.75 * 31 / 32, 1 / 32])
    assert curve.factor(Progress(0, 0, 7), 0) == 1


@given(progresses())
def test_a_thawed_group_rises_again(progress):
    curve, plain = SlantedTriangular(rewarm=Duration(4, "st")), SlantedTriangular()
    late = min(progress.step, progress.total) >= 1
    share = 0.25 if late else 1
    assert curve.factor(progress, 0) == pytest.approx(plain.factor(progress, 0) * share)
