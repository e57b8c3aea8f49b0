import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtlkit.builtin.lr.bias_multiplier import BiasMultiplier
from mtlkit.builtin.lr.relative_gradient import RelativeGradient
from mtlkit.contracts.duration import Duration
from mtlkit.contracts.progress import Measurement, Progress
from mtlkit.contracts.statistics import Statistic, logged_as
from mtlkit.testing.strategies import param_tables
from tests.builtin.freeze.moments import made

RATES = st.floats(0, 1)


MIDWAY = Progress(5, 10, 5)


def rates(schedule, table, progress=MIDWAY):
    return {row.name: schedule.rate(schedule.group(row, table), progress, 0) for row in table}


@given(param_tables(), RATES, st.floats(0, 100), st.none() | RATES)
def test_biases_are_so_many_times_faster_and_norms_are_no_biases(table, peak, multiplier, heads):
    for row in table:
        rate = heads if row.role == "head" and heads is not None else peak
        schedule = BiasMultiplier(peak, multiplier, heads)
        expected = rate * multiplier if row.kind == "bias" else rate
        assert rates(schedule, table)[row.name] == expected


def log(step, *norms):
    name = "relative-gradient"
    return tuple(Measurement(step, logged_as(name, depth), value) for depth, value in enumerate(norms))


def test_layers_have_their_share_of_the_last_measurement():
    schedule = RelativeGradient(0.1, heads=0.5)
    progress = Progress(5, 10, 5, (*log(0, 9.0, 1.0, 1.0, 1.0), *log(5, 1.0, 4.0, 2.0, 0.0)))
    assert rates(schedule, made(2), progress) == pytest.approx(
        {
            "backbone.e": 0.025,
            "backbone.b0": 0.1,
            "backbone.b1": 0.05,
            "backbone.norm": 0.0,
            "heads.t.w": 0.5,
        }
    )
    floored = RelativeGradient(0.1, min_scale=0.5)
    assert rates(floored, made(2), progress)["backbone.e"] == pytest.approx(0.05)
    assert schedule.statistics() == (Statistic("relative-gradient", Duration(1, "ep")),)


@given(param_tables(), RATES)
def test_before_a_measurement_and_with_no_gradient_at_all_everything_has_the_peak(table, peak):
    schedule = RelativeGradient(peak)
    assert set(rates(schedule, table).values()) == {peak}
    nothing = Progress(5, 10, 5, log(0, *[0.0] * (table.depth + 2)))
    assert set(rates(schedule, table, nothing).values()) == {peak}


def test_what_it_refuses():
    with pytest.raises(ValueError, match="every is '0ep'; it must be longer than nothing"):
        RelativeGradient(every=Duration(0, "ep"))
