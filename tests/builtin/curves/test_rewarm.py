import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtlkit.builtin.curves.constant import Constant
from mtlkit.builtin.curves.cosine import Cosine
from mtlkit.builtin.curves.linear import Linear
from mtlkit.builtin.curves.rewarm import rewarmed
from mtlkit.builtin.curves.step import Step
from mtlkit.contracts.duration import Duration
from mtlkit.contracts.progress import Progress
from mtlkit.testing.strategies import durations, progresses


def test_rises_from_a_share_to_the_whole():
    found = [rewarmed(0.8, Progress(5 + age, 20, 4), age, Duration(4, "st")) for age in range(6)]
    assert found == pytest.approx([0.2, 0.4, 0.6, 0.8, 0.8, 0.8])


@given(st.floats(0, 1), progresses(), durations())
def test_what_trains_from_the_start_is_left_alone(factor, progress, length):
    assert rewarmed(factor, progress, progress.step, length) == factor


@given(st.floats(0, 1), progresses(), st.integers(0, 500))
def test_no_length_no_rise(factor, progress, age):
    assert rewarmed(factor, progress, age, Duration(0, "st")) == factor
    assert rewarmed(factor, progress, age, Duration(1, "st")) == factor


@given(st.floats(0.01, 1), progresses(), st.integers(0, 500), durations())
def test_between_nothing_and_the_factor_but_never_nothing(factor, progress, age, length):
    found = rewarmed(factor, progress, age, length)
    assert 0 < found <= factor


@pytest.mark.parametrize("curve", [Constant(), Linear(), Cosine(0.1), Step(Duration(1, "ep"))])
@given(progresses(), st.integers(0, 500), durations())
def test_curves_multiply_it_in(curve, progress, age, length):
    plain = curve.factor(progress, age)
    assert attrs.evolve(curve, rewarm=length).factor(progress, age) == rewarmed(plain, progress, age, length)
