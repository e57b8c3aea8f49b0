"""Counting evaluations since the best, against torch's own scheduler and by laws."""

from math import inf, nan

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mtlkit.builtin.freeze.plateau import check_metric, evaluations, plateaus, task_of
from mtlkit.contracts.progress import Measurement, Progress
from mtlkit.testing.strategies import metric_logs

MODES = st.sampled_from(("max", "min"))
COARSE = st.integers(-8, 8).map(lambda n: n / 8)  # ties and differences of exactly min_delta are likely


def torchs(values, patience, min_delta, mode):
    weight = torch.nn.Parameter(torch.zeros(()))
    optimizer = torch.optim.SGD([weight], lr=1.0)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimizer, mode, 0.5, patience - 1, min_delta, threshold_mode="abs", eps=0.0
    )
    reached = []
    for step, value in values:
        before = optimizer.param_groups[0]["lr"]
        scheduler.step(value)
        if optimizer.param_groups[0]["lr"] < before:
            reached.append(step)
    return tuple(reached)


@given(st.lists(COARSE, max_size=30), st.integers(1, 4), st.sampled_from((0.0, 0.125, 0.5)), MODES)
@settings(max_examples=150)
def test_plateaus_are_where_torch_reduces_the_rate(values, patience, min_delta, mode):
    logged = [(10 * number, value) for number, value in enumerate(values, start=1)]
    assert plateaus(logged, patience, min_delta, mode) == torchs(logged, patience, min_delta, mode)


@given(st.lists(COARSE, max_size=20), st.integers(1, 3), MODES, st.integers(0, 20))
def test_what_is_measured_up_to_a_step_has_to_be_beaten_and_is_not_counted(values, patience, mode, after):
    logged = list(enumerate(values, start=1))
    better = max if mode == "max" else min
    best = [better(values[:after])] if values[:after] else []
    fresh = [(0, value) for value in best] + logged[after:]
    assert plateaus(logged, patience, 0.0, mode, after=after) == plateaus(fresh, patience, 0.0, mode)


@pytest.mark.parametrize(
    ("values", "patience", "min_delta", "mode", "expected"),
    [
        ((), 1, 0.0, "max", ()),
        ((0.5,), 1, 0.0, "max", ()),
        ((0.5, 0.5), 1, 0.0, "max", (2,)),
        ((0.5, 0.4, 0.6, 0.6, 0.5), 2, 0.0, "max", (5,)),
        ((0.5, 0.4, 0.4, 0.45, 0.45), 2, 0.0, "max", (3, 5)),
        ((0.5, 0.59, 0.61, 0.62), 1, 0.1, "max", (2, 4)),
        ((0.5, 0.4, 0.3, 0.3), 1, 0.0, "min", (4,)),
        ((inf, inf, -inf), 1, 0.0, "max", (2, 3)),
        ((-inf, 0.0, 0.0), 1, 0.0, "max", (3,)),
    ],
)
def test_counted_by_hand(values, patience, min_delta, mode, expected):
    assert plateaus(list(enumerate(values, start=1)), patience, min_delta, mode) == expected


@given(metric_logs(), st.integers(0, 60), MODES, st.randoms(use_true_random=False))
def test_an_evaluation_is_a_step_with_a_number_whatever_the_order(log, step, mode, random):
    mixed = [*log, *log, *(Measurement(at, "news/loss", nan) for at in range(60))]
    random.shuffle(mixed)
    found = evaluations(Progress(step, 60, 10, log), "news/loss", mode)
    assert evaluations(Progress(step, 60, 10, tuple(mixed)), "news/loss", mode) == found
    known = {entry.step for entry in log if entry.metric == "news/loss" and entry.value == entry.value}
    assert [at for at, _ in found] == sorted(at for at in known if at <= step)


def test_two_values_of_one_step_are_the_better_one():
    log = (Measurement(3, "t/f1", 0.25), Measurement(3, "t/f1", 0.75), Measurement(1, "t/f1", 0.5))
    progress = Progress(3, 10, 5, log)
    assert evaluations(progress, "t/f1", "max") == [(1, 0.5), (3, 0.75)]
    assert evaluations(progress, "t/f1", "min") == [(1, 0.5), (3, 0.25)]


@pytest.mark.parametrize("metric", ["", "accuracy", "/accuracy", "news/"])
def test_a_metric_is_of_a_task(metric):
    with pytest.raises(ValueError, match=r".") as caught:
        check_metric(metric)
    assert str(caught.value) == f"metric is {metric!r}; write TASK/NAME, such as sentiment/accuracy"


def test_the_task_of_a_metric():
    check_metric("news/recall@10/mean")
    assert task_of("news/recall@10/mean") == "news"
