"""Step by step against the schedulers of torch.

Both count alike: our factor at step s is their rate after s calls of `step()`, for an initial rate of 1.
`OneCycleLR` ends at its last step, number total - 1, and so does `one-cycle`.
"""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.optim import lr_scheduler

from mtlkit.builtin.curves.cosine_restarts import CosineRestarts
from mtlkit.builtin.curves.exponential import Exponential
from mtlkit.builtin.curves.multistep import Multistep
from mtlkit.builtin.curves.one_cycle import OneCycle
from mtlkit.builtin.curves.plateau import Plateau
from mtlkit.builtin.curves.polynomial import Polynomial
from mtlkit.builtin.curves.step import Step
from mtlkit.builtin.curves.triangular import Triangular
from mtlkit.contracts.duration import Duration
from mtlkit.contracts.progress import Measurement, Progress

LENGTHS = (1, 2, 10, 61, 200)


def steps(count):
    return Duration(count, "st")


def rates(make, count):
    """The rate before each of `count` optimizer steps."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler = make(optimizer)
    found = []
    for number in range(count):
        found.append(float(optimizer.param_groups[0]["lr"]))
        optimizer.step()
        if number < count - 1:
            scheduler.step()
    return found


def factors(curve, total, count=None):
    return [curve.factor(Progress(step, total, 7), step) for step in range(count or total)]


@pytest.mark.parametrize("total", LENGTHS)
@pytest.mark.parametrize("gamma", [0.1, 0.5, 1.0])
def test_stairs_and_exponentials(total, gamma):
    for length in (1, 7, 300):
        expected = rates(lambda optimizer, n=length: lr_scheduler.StepLR(optimizer, n, gamma), total)
        assert factors(Step(steps(length), gamma), total) == pytest.approx(expected, rel=1e-9)
    expected = rates(lambda optimizer: lr_scheduler.ExponentialLR(optimizer, gamma), total)
    assert factors(Exponential(gamma, steps(1)), total) == pytest.approx(expected, rel=1e-9, abs=1e-300)


@pytest.mark.parametrize("total", LENGTHS)
@pytest.mark.parametrize("milestones", [[1], [3, 30], [5, 5, 60, 150]])
def test_milestones(total, milestones):
    expected = rates(lambda optimizer: lr_scheduler.MultiStepLR(optimizer, milestones, 0.3), total)
    ours = Multistep(tuple(map(steps, reversed(milestones))), 0.3)
    assert factors(ours, total) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("total", LENGTHS)
@pytest.mark.parametrize("power", [0.7, 1.0, 3.0])
def test_polynomial(total, power):
    expected = rates(lambda optimizer: lr_scheduler.PolynomialLR(optimizer, total, power), total)
    assert factors(Polynomial(power), total) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    ("first", "t_mult", "cycles"), [(10, 1, 6), (10, 2, 3), (1, 2, 6), (4, 3, 4), (7, 5, 1)]
)
@pytest.mark.parametrize("floor", [0.0, 0.1])
def test_warm_restarts(first, t_mult, cycles, floor):
    total = sum(first * t_mult**cycle for cycle in range(cycles))
    expected = rates(
        lambda optimizer: lr_scheduler.CosineAnnealingWarmRestarts(optimizer, first, t_mult, eta_min=floor),
        total,
    )
    assert factors(CosineRestarts(cycles, float(t_mult), floor=floor), total) == pytest.approx(
        expected, abs=1e-9
    )
    starts = [first * (t_mult**cycle - 1) // max(1, t_mult - 1) for cycle in range(cycles)]
    if t_mult > 1:
        assert [expected[start] for start in starts] == pytest.approx([1.0] * cycles)


@pytest.mark.parametrize("total", [10, 20, 200])
@pytest.mark.parametrize("share", [0.1, 0.3, 0.45])
@pytest.mark.parametrize("shape", ["cosine", "linear"])
@pytest.mark.parametrize("three_phase", [False, True])
def test_one_cycle(total, share, shape, three_phase):
    rise = share * total
    if rise != int(rise) or rise < 2:
        total, rise = 2 * total * 10, share * 2 * total * 10  # torch's peak must be a step, and not the first
    expected = rates(
        lambda optimizer: lr_scheduler.OneCycleLR(
            optimizer,
            1.0,
            total,
            pct_start=share,
            anneal_strategy={"cosine": "cos", "linear": "linear"}[shape],
            cycle_momentum=False,
            three_phase=three_phase,
            div_factor=20,
            final_div_factor=50,
        ),
        total,
    )
    ours = OneCycle(steps(round(rise)), 1 / 20, 1 / 1000, shape, three_phase)
    assert factors(ours, total) == pytest.approx(expected, abs=1e-9)
    assert factors(ours, total)[round(rise) - 1] == 1


@pytest.mark.parametrize(("up", "down"), [(1, 1), (5, 5), (3, 9), (12, 4)])
@pytest.mark.parametrize("mode", ["triangular", "triangular2", "exp_range"])
def test_cycles(up, down, mode):
    total, period, gamma = 90, up + down, 0.98
    expected = rates(
        lambda optimizer: lr_scheduler.CyclicLR(
            optimizer, 0.2, 1.0, up, down, mode=mode, gamma=gamma, cycle_momentum=False
        ),
        total,
    )
    ours = factors(Triangular(steps(period), mode, gamma**period, up / period, 0.2), total)
    if (
        mode == "exp_range"
    ):  # there the first peak is lower already: the heights differ by one factor from there on
        heights = [(rate - 0.2) / gamma ** min(step, up) for step, rate in enumerate(expected)]
        expected = [0.2 + height for height in heights]
    assert ours == pytest.approx(expected, abs=1e-9)
    assert max(ours) == pytest.approx(1)


values = st.one_of(st.floats(-10, 10), st.sampled_from((0.1, 0.1001, 0.2, 0.5, 0.50001)))


@given(
    st.lists(values, max_size=40),
    st.sampled_from(("max", "min")),
    st.sampled_from((0.1, 0.5)),
    st.integers(0, 4),
    st.integers(0, 4),
    st.sampled_from((0.0, 1e-4, 0.3)),
    st.sampled_from(("rel", "abs")),
    st.sampled_from((0.0, 0.02, 1.0)),
)
@settings(max_examples=200)
def test_plateau(log, mode, reduction, patience, cooldown, threshold, threshold_mode, floor):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler = lr_scheduler.ReduceLROnPlateau(
        optimizer, mode, reduction, patience, threshold, threshold_mode, cooldown, floor, eps=0.0
    )
    ours = Plateau("t/x", mode, reduction, patience, cooldown, threshold, threshold_mode, floor)
    known = ()
    for step, value in enumerate(log, start=1):
        scheduler.step(value)
        known = (*known, Measurement(step, "t/x", value), Measurement(step, "u/x", -value))
        found = ours.factor(Progress(step, 100, 10, known), step)
        assert found == pytest.approx(optimizer.param_groups[0]["lr"], rel=1e-9)


def test_plateau_reduces_and_rests():
    flat = tuple(Measurement(step, "t/x", 1.0) for step in range(1, 13))
    ours = Plateau("t/x", "max", 0.5, patience=1, cooldown=2)
    found = [
        ours.factor(Progress(step, 20, 5, tuple(entry for entry in flat if entry.step <= step)), step)
        for step in range(13)
    ]
    assert found == [1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.25, 0.125, 0.125]
