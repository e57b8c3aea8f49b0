"""Freeze policies that read statistics of the model from the metric log."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtlkit.builtin.freeze.auto_freeze import AutoFreeze, _percentile
from mtlkit.builtin.freeze.converge_freeze import ConvergeFreeze
from mtlkit.builtin.freeze.surgical import Surgical
from mtlkit.contracts.duration import Duration
from mtlkit.contracts.params import ParamTable, Row
from mtlkit.contracts.progress import Measurement, Progress
from mtlkit.contracts.statistics import history, logged_as

EVERY = Duration(10, "st")
TABLE = ParamTable(
    (
        Row("backbone.e", (2,), "backbone", "embeddings", 0, "embedding"),
        *(Row(f"backbone.{depth}.w", (2,), "backbone", "block", depth, "weight") for depth in (1, 2, 3)),
        Row("backbone.norm", (2,), "backbone", "final", 4, "norm"),
        Row("heads.t.w", (2,), "t", "head", 5, "weight"),
    ),
    3,
)


def progress_of(name, *measurements, step=None):
    """A moment right after these measurements, one every ten steps, each a value per depth."""
    log = tuple(
        Measurement(10 * at, logged_as(name, depth), value)
        for at, values in enumerate(measurements)
        for depth, value in enumerate(values)
    )
    return Progress(10 * (len(measurements) - 1) if step is None else step, 1000, 100, log)


def trains(policy, progress):
    phase = policy.phase(progress)
    return [row.depth for row in TABLE if policy.trainable(row, TABLE, phase)]


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=9), st.floats(0, 100))
def test_the_percentile_is_numpys(values, percent):
    assert _percentile(values, percent) == pytest.approx(float(np.percentile(values, percent)), abs=1e-9)


def test_auto_freeze_takes_the_lowest_layers_that_changed_least():
    policy = AutoFreeze(EVERY)
    assert trains(policy, progress_of("gradient-norm")) == [0, 1, 2, 3, 4, 5]
    assert trains(policy, progress_of("gradient-norm", [1, 1, 1, 1])) == [0, 1, 2, 3, 4, 5]
    # η = .01 .02 .5 .5, the median .26: the lowest two freeze
    two = ([1, 1, 1, 1], [1.01, 1.02, 1.5, 1.5])
    assert trains(policy, progress_of("gradient-norm", *two)) == [2, 3, 4, 5]
    # a layer above one that changes much does not freeze before it
    assert trains(policy, progress_of("gradient-norm", [1, 1, 1, 1], [1.5, 1.0, 1.0, 1.5])) == [
        0,
        1,
        2,
        3,
        4,
        5,
    ]
    # what is frozen stays so, and the limit is that of the layers that still train
    three = (*two, [9, 9, 1.5, 9])
    assert trains(policy, progress_of("gradient-norm", *three)) == [3, 4, 5]


def test_converge_freeze_waits_for_the_layers_below():
    policy = ConvergeFreeze(EVERY, tolerance=0.01, patience=2)
    still, moving = [1.0, 1.0, 1.0], [1.0, 0.9, 0.8]
    measured = list(zip(still, moving, still, still, strict=True))
    assert trains(policy, progress_of("similarity", *measured[:2])) == [0, 1, 2, 3, 4, 5]
    assert trains(policy, progress_of("similarity", *measured)) == [1, 2, 3, 4, 5]
    settled = [*measured, (1, 0.8, 1, 1), (1, 0.8, 1, 1)]
    assert trains(policy, progress_of("similarity", *settled)) == [4, 5]
    shaken = [*settled, (0.1, 0.1, 0.1, 0.1)]
    assert trains(policy, progress_of("similarity", *shaken)) == [4, 5]


def test_surgical_keeps_the_layers_with_the_highest_relative_gradient():
    first = [0.1, 0.5, 0.2, 0.5, 0.3]
    for keep, kept in ((1, [1]), (2, [1, 3]), (3, [1, 3, 4]), (9, [0, 1, 2, 3, 4])):
        assert trains(Surgical(keep), progress_of("relative-gradient", first)) == [*kept, 5]
    assert trains(Surgical(1), progress_of("relative-gradient")) == [0, 1, 2, 3, 4, 5]
    later = progress_of("relative-gradient", first, [9, 0, 0, 0, 0])
    assert trains(Surgical(1), later) == [1, 5]


@given(
    st.randoms(use_true_random=False),
    st.lists(st.lists(st.floats(0.1, 2), min_size=4, max_size=4), max_size=6),
)
def test_not_a_number_repeats_and_order_change_nothing(random, measured):
    for policy, name in (
        (AutoFreeze(EVERY), "gradient-norm"),
        (ConvergeFreeze(EVERY, tolerance=0.2, patience=1), "similarity"),
        (Surgical(2), "relative-gradient"),
    ):
        plain = progress_of(name, *measured, step=500)
        log = [*plain.metrics, *plain.metrics, Measurement(5, logged_as(name, 0), float("nan"))]
        later = [Measurement(501, logged_as(name, depth), 7.0) for depth in range(4)]
        random.shuffle(log)
        assert policy.phase(Progress(500, 1000, 100, tuple(log + later))) == policy.phase(plain)


def test_history_is_by_step_and_key():
    log = (
        Measurement(3, "@similarity/1", 0.5),
        Measurement(1, "@similarity/0", 1.0),
        Measurement(1, "t/f1", 0.1),
    )
    assert history(Progress(9, 10, 5, log), "similarity") == ((1, {"0": 1.0}), (3, {"1": 0.5}))
    assert history(Progress(2, 10, 5, log), "similarity") == ((1, {"0": 1.0}),)


def test_an_interval_of_nothing_is_refused():
    for policy in (AutoFreeze, ConvergeFreeze):
        with pytest.raises(ValueError, match="must be longer than nothing"):
            policy(Duration(0, "ep"))
