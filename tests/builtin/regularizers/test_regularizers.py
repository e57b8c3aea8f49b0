"""The regularizers against their formulas, written out."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mtlkit.builtin.regularizers.ewc import EwcRegularizer
from mtlkit.builtin.regularizers.l2_sp import L2SpRegularizer
from mtlkit.builtin.regularizers.mixout import MixoutRegularizer
from mtlkit.builtin.regularizers.options import Ewc, L2Sp, Mixout
from mtlkit.testing.laws.regularizer import pulled

strengths = st.floats(0, 100)


@given(strengths, st.integers(0, 1000), st.floats(0, 10))
def test_l2_sp_is_half_the_squared_distance_times_its_strength(strength, seed, distance):
    weights = pulled(seed, distance)
    penalty = L2SpRegularizer(L2Sp(strength)).penalty(weights)
    by_hand = sum(float(((w.value.detach() - w.start) ** 2).sum()) for w in weights) * strength / 2
    assert float(penalty.detach()) == pytest.approx(by_hand, rel=1e-9, abs=1e-12)
    penalty.backward()
    for weight in weights:
        expected = strength * (weight.value.detach() - weight.start)
        assert torch.allclose(weight.value.grad, expected, rtol=1e-9, atol=1e-12)


@given(strengths, st.integers(0, 1000), st.floats(0, 10))
def test_ewc_weights_each_square_with_its_importance(strength, seed, distance):
    weights = pulled(seed, distance)
    penalty = EwcRegularizer(Ewc(strength, 8)).penalty(weights)
    by_hand = (
        sum(float((w.importance * (w.value.detach() - w.start) ** 2).sum()) for w in weights) * strength / 2
    )
    assert float(penalty.detach()) == pytest.approx(by_hand, rel=1e-9, abs=1e-12)


@given(st.floats(0, 0.9), st.integers(0, 1000))
def test_mixout_takes_the_start_or_goes_beyond_the_weight(p, seed):
    """Equation 5 of the paper: (m·w₀ + (1 - m)·w - p·w₀) / (1 - p), with m = 1 where w₀ is taken."""
    for weight in pulled(seed, 1.0):
        mixed = MixoutRegularizer(Mixout(p)).mix(weight, torch.Generator().manual_seed(seed))
        m = (mixed.gradient == 0).to(weight.start)
        value = weight.value.detach()
        assert torch.allclose(mixed.value, (m * weight.start + (1 - m) * value - p * weight.start) / (1 - p))
        assert torch.allclose(mixed.gradient.double(), (1 - m) / (1 - p))


def test_selectors_that_name_nothing_are_refused():
    for made in (L2Sp, Mixout, Ewc):
        with pytest.raises(ValueError, match="weights names no weight"):
            made(weights=())
