"""What may end a phase."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtlkit.builtin.freeze.triggers import (
    AllOf,
    AnyOf,
    Lasts,
    OnMetric,
    OnPlateau,
    came_true,
    metrics_in,
)
from mtlkit.contracts.duration import Duration
from mtlkit.contracts.progress import Measurement, Progress
from mtlkit.testing.strategies import durations, metric_logs

TOTAL, PER_EPOCH = 60, 10
METRICS = st.sampled_from(("sentiment/accuracy", "news/loss"))
SINGLE = st.one_of(
    durations(),
    st.builds(Lasts, durations().filter(lambda each: each.amount > 0)),
    st.builds(
        OnPlateau, METRICS, st.integers(1, 3), st.sampled_from((0.0, 0.1)), st.sampled_from(("max", "min"))
    ),
    st.builds(OnMetric, METRICS, st.sampled_from((-0.5, 0.0, 0.5)), st.sampled_from(("above", "below"))),
)
SEVERAL = st.lists(SINGLE, min_size=1, max_size=3).map(tuple)
ALL = st.builds(AllOf, SEVERAL)
ANY = st.builds(AnyOf, st.lists(st.one_of(SINGLE, ALL), min_size=1, max_size=3).map(tuple))
UNTIL = st.one_of(SINGLE, ALL, ANY)


def at(step, log=()):
    return Progress(step, TOTAL, PER_EPOCH, log)


@given(UNTIL, st.integers(0, TOTAL), metric_logs(max_step=TOTAL))
def test_what_came_true_stays_so_and_nothing_is_seen_ahead(until, start, log):
    answers = {step: came_true(until, start, at(step, log)) for step in range(start, 2 * TOTAL)}
    first = next((end for end in answers.values() if end is not None), None)
    for step, end in answers.items():
        assert end == (None if first is None or step < first else first)
        known = tuple(entry for entry in log if entry.step <= step)
        assert came_true(until, start, at(step, known)) == end
    assert first is None or first >= start


@given(UNTIL, st.integers(0, TOTAL), metric_logs(max_step=TOTAL), st.randoms(use_true_random=False))
def test_not_a_number_repeats_and_order_change_nothing(until, start, log, random):
    noise = [
        Measurement(step, metric, float("nan")) for step in (0, 7, 31) for metric in ("news/loss", "x/y")
    ]
    mixed = [*log, *noise, *log]
    random.shuffle(mixed)
    for step in (start, TOTAL // 2, TOTAL, 2 * TOTAL):
        assert came_true(until, start, at(step, tuple(mixed))) == came_true(until, start, at(step, log))


@given(st.lists(SINGLE, min_size=1, max_size=4), st.integers(0, TOTAL), metric_logs(max_step=TOTAL))
def test_all_is_the_last_and_any_the_first(parts, start, log):
    now = at(2 * TOTAL, log)
    ends = [came_true(part, start, now) for part in parts]
    known = [end for end in ends if end is not None]
    assert came_true(AnyOf(tuple(parts)), start, now) == min(known, default=None)
    assert came_true(AllOf(tuple(parts)), start, now) == (max(known) if len(known) == len(ends) else None)


@given(
    st.one_of(st.builds(OnPlateau, METRICS, st.integers(1, 3)), st.builds(OnMetric, METRICS, st.just(0.0)))
)
def test_without_measurements_a_metric_never_comes_true(until):
    assert all(came_true(until, start, at(10**9)) is None for start in (0, 5, TOTAL))


def test_lengths_count_from_the_start_of_the_run_or_of_the_phase():
    asked = [(Duration(2, "ep"), 5, 20), (Duration(2, "ep"), 25, 25), (Lasts(Duration(2, "ep")), 5, 25)]
    for until, start, end in asked:
        assert came_true(until, start, at(end)) == end
        assert end == start or came_true(until, start, at(end - 1)) is None


def test_a_threshold_counts_evaluations_of_the_phase():
    log = tuple(Measurement(step, "t/f1", value) for step, value in ((10, 0.9), (20, 0.7), (30, 0.8)))
    until = OnMetric("t/f1", 0.8)
    assert [came_true(until, start, at(60, log)) for start in (0, 9, 10, 29, 30)] == [10, 10, 30, 30, None]
    below = OnMetric("t/f1", 0.7, "below")
    assert [came_true(below, start, at(60, log)) for start in (0, 20)] == [20, None]


def test_the_metrics_of_a_condition_each_once():
    one, two = OnPlateau("a/x", 1), OnMetric("b/y", 0.5)
    assert metrics_in(Duration(1, "ep")) == metrics_in(Lasts(Duration(1, "ep"))) == ()
    assert metrics_in(AnyOf((AllOf((one, two)), two, Duration(1, "ep")))) == ("a/x", "b/y")


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Lasts(Duration(0, "ep")), "lasts is '0ep'; a phase must last longer than nothing"),
        (lambda: AllOf(()), "all is empty; write at least one condition"),
        (lambda: AnyOf(()), "any is empty; write at least one condition"),
        (lambda: OnPlateau("f1", 2), "metric is 'f1'; write TASK/NAME, such as sentiment/accuracy"),
        (lambda: OnMetric("f1", 2.0), "metric is 'f1'; write TASK/NAME, such as sentiment/accuracy"),
    ],
)
def test_errors(build, message):
    with pytest.raises(ValueError, match=r".") as caught:
        build()
    assert str(caught.value) == message
