"""Step by step against `transformers.get_scheduler`.

Both count alike: our factor at step s, before the optimizer step number s, is their multiplier after s calls
of the scheduler.
"""

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from transformers import get_scheduler

from mtlkit.builtin.curves.cosine_restarts import CosineRestarts
from mtlkit.builtin.curves.inverse_sqrt import InverseSqrt
from mtlkit.builtin.curves.polynomial import Polynomial
from mtlkit.builtin.curves.warmup_stable_decay import WarmupStableDecay
from mtlkit.contracts.duration import Duration
from mtlkit.contracts.progress import Progress

LENGTHS = ((1, 0), (2, 1), (10, 3), (60, 0), (61, 7), (97, 96))
SHAPES = {"linear": "linear", "cosine": "cosine", "sqrt": "1-sqrt"}


def theirs(name, warmup, total, **more):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    return get_scheduler(name, optimizer, warmup, total, scheduler_specific_kwargs=more).lr_lambdas[0]


def steps(count):
    return Duration(count, "st")


def compare(ours, expected, total, until=None):
    for step in range(total + 1 if until is None else until):
        assert ours.factor(Progress(step, total, 7), step) == pytest.approx(
            expected(step), rel=1e-11, abs=1e-12
        )


@pytest.mark.parametrize(("total", "warmup"), LENGTHS)
@pytest.mark.parametrize("power", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("floor", [0.0, 0.3])
def test_polynomial(total, warmup, power, floor):
    expected = theirs("polynomial", warmup, total, lr_end=floor, power=power)
    compare(Polynomial(power, floor, steps(warmup)), expected, total)


@pytest.mark.parametrize(("total", "warmup"), LENGTHS)
@pytest.mark.parametrize("timescale", [1, 9, 500])
def test_inverse_sqrt(total, warmup, timescale):
    expected = theirs("inverse_sqrt", warmup, total, timescale=timescale)
    compare(InverseSqrt(steps(warmup), steps(timescale)), expected, total)


@pytest.mark.parametrize(("total", "warmup"), [pair for pair in LENGTHS if pair[1]])
def test_inverse_sqrt_takes_the_warm_up_for_its_timescale(total, warmup):
    compare(InverseSqrt(steps(warmup)), theirs("inverse_sqrt", warmup, total), total)


def test_inverse_sqrt_is_noam():
    """Vaswani et al. 2017, equation 3, with its peak made 1: min(s^-½, s · w^-³ᐟ²) · w^½."""
    for warmup in (1, 10, 40):
        for step in range(1, 200):
            noam = min(step**-0.5, step * warmup**-1.5) * warmup**0.5
            found = InverseSqrt(steps(warmup)).factor(Progress(step, 200, 20), step)
            assert found == pytest.approx(noam, rel=1e-12)


@given(total=st.integers(1, 90), warmup=st.integers(0, 40), cycles=st.integers(1, 9))
@example(total=60, warmup=0, cycles=3)
@settings(max_examples=60)
def test_cosine_with_restarts(total, warmup, cycles):
    expected = theirs("cosine_with_restarts", warmup, total, num_cycles=cycles)
    ours = CosineRestarts(cycles, warmup=steps(warmup))
    span = total - warmup
    compared = 0
    for step in range(total + 1):
        done = step - warmup
        # At the first step of a wave their product may be rounded to the foot of the one before.
        if done > 0 and done * cycles % span == 0 and done < span:
            assert ours.factor(Progress(step, total, 7), step) == pytest.approx(1, abs=1e-9)
            continue
        assert ours.factor(Progress(step, total, 7), step) == pytest.approx(expected(step), abs=1e-9)
        compared += 1
    assert compared >= total + 1 - cycles


@pytest.mark.parametrize(("total", "warmup"), LENGTHS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("floor", [0.0, 0.2])
@pytest.mark.parametrize("decay", [1, 5, 20])
def test_warmup_stable_decay(total, warmup, shape, floor, decay):
    if decay > total - warmup:
        decay = max(1, total - warmup)
    expected = theirs(
        "warmup_stable_decay",
        warmup,
        total,
        num_decay_steps=decay,
        decay_type=SHAPES[shape],
        min_lr_ratio=floor,
    )
    ours = WarmupStableDecay(steps(decay), shape, floor, steps(warmup))
    compared = 0
    for step in range(total + 1):
        if step < warmup and floor:  # their warm-up begins at the floor
            assert ours.factor(Progress(step, total, 7), step) == step / warmup
            continue
        assert ours.factor(Progress(step, total, 7), step) == pytest.approx(expected(step), abs=1e-12)
        compared += 1
    assert compared >= total - warmup
