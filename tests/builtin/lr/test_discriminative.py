import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtlkit.builtin.lr.discriminative import Discriminative
from mtlkit.builtin.lr.layer_decay import LayerDecay
from mtlkit.contracts.progress import Progress
from mtlkit.testing.strategies import param_tables
from tests.builtin.freeze.moments import made

START = Progress(0, 10, 5)


def rates(schedule, table):
    return {row.name: schedule.rate(schedule.group(row, table), START, 0) for row in table}


def test_the_rates_of_the_paper_for_three_layers():
    """η^L for the last layer, η^(l-1) = η^l / 2.6 below: five layers of an AWD-LSTM and its classifier."""
    assert rates(Discriminative(0.01), made(3)) == pytest.approx(
        {
            "heads.t.w": 0.01,
            "backbone.norm": 0.01 / 2.6,
            "backbone.b2": 0.01 / 2.6,
            "backbone.b1": 0.01 / 2.6**2,
            "backbone.b0": 0.01 / 2.6**3,
            "backbone.e": 0.01 / 2.6**4,
        },
        rel=1e-12,
    )


@given(param_tables(), st.floats(0, 1), st.floats(1, 1e6), st.none() | st.floats(0, 1))
def test_layer_decay_by_one_over_the_factor_but_for_what_follows_the_last_block(table, peak, factor, head):
    ours = rates(Discriminative(peak, factor, head), table)
    theirs = rates(LayerDecay(peak, 1 / factor, head), table)
    for row in table:
        expected = peak / factor if row.role == "final" else theirs[row.name]
        assert ours[row.name] == pytest.approx(expected, rel=1e-9, abs=1e-300)


def test_a_huge_factor_is_a_rate_of_nothing():
    assert rates(Discriminative(1.0, 1e300), made(3))["backbone.e"] == 0
