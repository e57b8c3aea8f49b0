import math
from itertools import pairwise

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from transformers import get_scheduler

from mtlkit.builtin.curves.constant import Constant
from mtlkit.builtin.curves.cosine import Cosine
from mtlkit.builtin.curves.linear import Linear
from mtlkit.contracts.duration import Duration
from mtlkit.contracts.progress import Progress
from mtlkit.testing.strategies import durations, progresses

TWINS = {Constant: "constant_with_warmup", Linear: "linear", Cosine: "cosine"}


def reference(name: str, warmup: int, total: int, **more: float):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    options = {"scheduler_specific_kwargs": more} if more else {}
    scheduler = get_scheduler(name, optimizer, warmup, total, **options)
    return scheduler.lr_lambdas[0]


@pytest.mark.parametrize("curve", TWINS)
@given(total=st.integers(0, 60), warmup=st.integers(0, 80))
@example(total=0, warmup=0)
@example(total=1, warmup=1)
@example(total=2, warmup=5)
@settings(max_examples=40)
def test_equals_transformers_at_every_step(curve, total, warmup):
    expected = reference(TWINS[curve], warmup, total)
    ours = curve(warmup=Duration(warmup, "st"))
    for step in range(total + 1):
        assert ours.factor(Progress(step, total, 7), step) == pytest.approx(
            expected(step), rel=1e-12, abs=1e-15
        )


@given(total=st.integers(1, 60), warmup=st.integers(0, 80), floor=st.floats(0, 1))
@settings(max_examples=40)
def test_cosine_with_a_floor_equals_transformers(total, warmup, floor):
    expected = reference("cosine_with_min_lr", warmup, total, min_lr_rate=floor)
    ours = Cosine(floor, Duration(warmup, "st"))
    for step in range(total + 1):
        assert ours.factor(Progress(step, total, 7), 0) == pytest.approx(expected(step), rel=1e-12, abs=1e-15)


CURVES = st.one_of(
    durations().map(Constant),
    st.builds(Linear, st.floats(0, 1), durations()),
    st.builds(Cosine, st.floats(0, 1), durations()),
)


@given(CURVES, progresses(), st.integers(0, 1000))
def test_between_nothing_and_one_and_blind_to_age(curve, progress, age):
    factor = curve.factor(progress, age)
    assert math.isfinite(factor)
    assert 0 <= factor <= 1 + 1e-12
    assert curve.factor(progress, 0) == factor


@given(CURVES, st.integers(0, 200), st.integers(1, 50))
def test_constant_after_the_end(curve, total, per_epoch):
    end = curve.factor(Progress(total, total, per_epoch), 0)
    assert {
        curve.factor(Progress(step, total, per_epoch), 0)
        for step in (total + 1, 2 * total, 10**9)
        if step > total
    } == {end}


@pytest.mark.parametrize("curve", [Linear, Cosine])
@given(floor=st.floats(0, 1), total=st.integers(2, 100), warmup=st.integers(0, 50))
@settings(max_examples=40)
def test_rises_to_one_then_falls_to_the_floor(curve, floor, total, warmup):
    ours = curve(floor, Duration(warmup, "st"))
    factors = [ours.factor(Progress(step, total, 7), 0) for step in range(total + 1)]
    rise, fall = factors[:warmup], factors[warmup:]
    assert rise == sorted(rise)
    assert all(after <= before + 1e-15 for before, after in pairwise(fall))
    if warmup < total:
        assert fall[0] == pytest.approx(1)
        assert fall[-1] == pytest.approx(floor, abs=1e-15)
    if warmup:
        assert factors[0] == 0
