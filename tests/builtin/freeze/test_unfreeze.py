"""Policies that thaw once: at a time, on a metric, after probing; and group by group on plateaus."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtlkit.builtin.freeze.lp_ft import LpFt
from mtlkit.builtin.freeze.triggers import AnyOf, OnPlateau
from mtlkit.builtin.freeze.unfreeze_at import UnfreezeAt
from mtlkit.builtin.freeze.unfreeze_on_metric import UnfreezeOnMetric
from mtlkit.builtin.freeze.unfreeze_on_plateau import UnfreezeOnPlateau
from mtlkit.contracts.duration import Duration
from mtlkit.contracts.progress import Measurement, Progress
from mtlkit.testing.strategies import metric_logs, param_tables
from tests.builtin.freeze.moments import METRIC, changes, made, measured, trained

EVERYTHING = ["e", "b0", "b1", "b2", "norm", "heads.t.w"]
LOSS = "news/loss"
METRIC_DRIVEN = (
    LpFt(OnPlateau(LOSS, 1, 0.0, "min")),
    UnfreezeOnMetric(LOSS, 0.3, "below"),
    UnfreezeOnMetric(LOSS, 0.3, what=("embeddings", "type:bias")),
    UnfreezeOnPlateau(LOSS, 1, 0.1, "min"),
    UnfreezeOnPlateau(LOSS, 2, group_size=3),
)


def test_lp_ft_probes_for_a_length_or_until_a_plateau():
    table = made(3)
    whole = {0: ["heads.t.w"], 20: EVERYTHING}
    assert changes(LpFt(Duration(2, "ep")), table, 60, 10) == whole
    assert changes(LpFt(OnPlateau(METRIC, 1)), table, 60, 10, measured(0.5, 0.5)) == whole
    assert changes(LpFt(OnPlateau(METRIC, 1)), table, 60, 10, measured(0.5, 0.6, 0.7)) == {0: ["heads.t.w"]}
    either = LpFt(AnyOf((OnPlateau(METRIC, 1), Duration(2, "ep"))))
    assert changes(either, table, 60, 10) == whole
    assert [either.phase(Progress(step, 60, 10)) for step in (0, 19, 20)] == ["probe", "probe", "everything"]
    assert (either.metrics(), either.tasks()) == ((METRIC,), ("sentiment",))
    assert LpFt(Duration(0, "st")).phase(Progress(0, 60, 10)) == "everything"


@pytest.mark.parametrize(("text", "step"), [("0st", 0), ("1.5ep", 15), ("33st", 33), ("50%", 30)])
def test_unfreeze_at_thaws_what_the_selectors_mean(text, step):
    policy = UnfreezeAt(("embeddings", "blocks[0]"), Duration.parse(text))
    frozen = {0: EVERYTHING[2:]} if step else {}
    assert changes(policy, made(3), 60, 10) == frozen | {step: EVERYTHING}


def test_unfreeze_on_metric_thaws_once_and_for_all():
    table = made(3)
    above = UnfreezeOnMetric(METRIC, 0.7)
    assert changes(above, table, 60, 10, measured(0.5, 0.69, 0.7, 0.1)) == {0: ["heads.t.w"], 30: EVERYTHING}
    assert changes(above, table, 60, 10, measured(0.5, 0.6)) == {0: ["heads.t.w"]}
    below = UnfreezeOnMetric(METRIC, 0.4, "below", ("embeddings",))
    assert changes(below, table, 60, 10, measured(0.5, 0.4)) == {0: EVERYTHING[1:], 20: EVERYTHING}


def test_each_plateau_thaws_the_next_group_from_the_top():
    table = made(3)
    levels = measured(*[0.5] * 9, every=5)
    policy = UnfreezeOnPlateau(METRIC, 2, group_size=2)
    assert changes(policy, table, 60, 10, levels) == {
        0: ["heads.t.w"],
        15: ["b1", "b2", "norm", "heads.t.w"],
        25: ["b0", "b1", "b2", "norm", "heads.t.w"],
        35: EVERYTHING,
    }
    assert changes(policy, table, 60, 10) == {0: ["heads.t.w"]}
    rising = measured(*[n / 10 for n in range(9)], every=5)
    assert changes(policy, table, 60, 10, rising) == {0: ["heads.t.w"]}
    assert len(changes(UnfreezeOnPlateau(METRIC, 2, 0.15), table, 60, 10, rising)) == 1
    assert len(changes(UnfreezeOnPlateau(METRIC, 1, 0.15), table, 60, 10, rising)) == 5


def test_gaps_nan_and_repeats_by_hand():
    nan = float("nan")
    steps = ((3, 0.5), (3, 0.5), (4, nan), (20, 0.5), (20, 0.5), (21, nan), (50, 0.4))
    log = tuple(Measurement(step, METRIC, value) for step, value in steps)
    found = changes(UnfreezeOnPlateau(METRIC, 2), made(3), 60, 10, log)
    assert list(found) == [0, 50]


@pytest.mark.parametrize("policy", METRIC_DRIVEN, ids=repr)
@given(param_tables(max_depth=5), metric_logs(max_step=40), st.randoms(use_true_random=False))
def test_the_laws_of_metrics(policy, table, log, random):
    first = policy.phase(Progress(0, 40, 10))
    assert policy.phase(Progress(10**9, 40, 10)) == first
    nan = [Measurement(step, LOSS, float("nan")) for step in range(0, 41, 3)]
    mixed = [*log, *nan, *log]
    random.shuffle(mixed)
    sets = []
    for step in range(42):
        progress = Progress(step, 40, 10, log)
        known = tuple(entry for entry in log if entry.step <= step)
        assert policy.phase(Progress(step, 40, 10, known)) == policy.phase(progress)
        assert policy.phase(Progress(step, 40, 10, tuple(mixed))) == policy.phase(progress)
        sets.append(set(trained(policy, table, progress)))
    assert all(before <= after for before, after in pairwise(sets))
    other = tuple(Measurement(entry.step, "news/lossy", entry.value) for entry in log)
    assert policy.phase(Progress(40, 40, 10, other)) == first


def test_what_they_name():
    policy = UnfreezeOnMetric("a/f1", 0.5, what=("head.b", "embeddings | head.a"))
    assert policy.patterns() == ("head.b", "embeddings | head.a")
    assert (policy.metrics(), policy.tasks()) == (("a/f1",), ("a", "b"))
    assert (UnfreezeOnPlateau(LOSS).metrics(), UnfreezeOnPlateau(LOSS).tasks()) == ((LOSS,), ("news",))
    assert UnfreezeAt(("head.b",), Duration(1, "ep")).tasks() == ("b",)
    assert UnfreezeAt(("head.b",), Duration(1, "ep")).patterns() == ("head.b",)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: UnfreezeAt((), Duration(1, "ep")), "what is empty; name at least one selector"),
        (lambda: UnfreezeOnMetric(LOSS, 0.5, what=()), "what is empty; name at least one selector"),
        (lambda: UnfreezeOnMetric("f1", 0.5), "metric is 'f1'; write TASK/NAME, such as sentiment/accuracy"),
        (lambda: UnfreezeOnPlateau("f1"), "metric is 'f1'; write TASK/NAME, such as sentiment/accuracy"),
    ],
)
def test_errors(build, message):
    with pytest.raises(ValueError, match=r".") as caught:
        build()
    assert str(caught.value) == message
