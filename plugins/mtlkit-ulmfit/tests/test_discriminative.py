import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mtlkit import ParamTable, Progress, Row
from mtlkit.testing.strategies import param_tables, progresses

from mtlkit_ulmfit import Discriminative

START = Progress(0, 10, 5)
RATES = st.floats(0, 1)
FACTORS = st.floats(1, 100)
SCHEDULES = st.builds(Discriminative, RATES, FACTORS, st.none() | RATES)


def row(role, depth, owner="backbone"):
    return Row(f"{owner}.{role}.{depth}", (2,), owner, role, depth, "weight")


ROWS = (
    row("embeddings", 0),
    row("block", 1),
    row("block", 2),
    row("block", 3),
    row("final", 4),
    row("head", 5, "news"),
    row("head", 5, "mood"),
)
TABLE = ParamTable(ROWS, 3)


def rates(schedule, table=TABLE):
    return [schedule.rate(schedule.group(each, table), START, 0) for each in table]


def test_the_five_rates_of_the_paper_s_code():
    """Embeddings, three layers, classifier."""
    lr, lrm = 0.01, 2.6
    emb, one, two, three, final, news, mood = rates(Discriminative(lr))
    assert [emb, one, two, three, news] == pytest.approx(
        [lr / (lrm**4), lr / (lrm**3), lr / (lrm**2), lr / lrm, lr], rel=1e-12
    )
    assert [news, mood, final] == [lr, lr, three]


def test_by_hand():
    expected = [0.01 / 2.6 / 2.6 / 2.6 / 2.6, 0.01 / 2.6 / 2.6 / 2.6, 0.01 / 2.6 / 2.6, 0.01 / 2.6]
    assert rates(Discriminative(0.01))[:4] == pytest.approx(expected, rel=1e-12)
    assert rates(Discriminative(0.01))[:4] == pytest.approx(
        [0.0002188300, 0.0005689579, 0.0014792899, 0.0038461538], rel=1e-6
    )


def test_the_top_block_at_the_peak():
    """The other reading of the paper, as the docstring says how to write it."""
    schedule = Discriminative(peak=2.6 * 0.01, head_rate=0.02)
    assert rates(schedule) == pytest.approx(
        [0.01 / 2.6**3, 0.01 / 2.6**2, 0.01 / 2.6, 0.01, 0.01, 0.02, 0.02], rel=1e-12
    )


def test_head_rate_moves_the_heads_alone():
    assert rates(Discriminative(0.01, 2.6, 0.5))[:5] == rates(Discriminative(0.01, 2.6))[:5]
    assert rates(Discriminative(0.01, 2.6, 0.0))[5:] == [0.0, 0.0]


def test_groups():
    names = [Discriminative(0.01).group(each, TABLE) for each in TABLE]
    assert names == [
        "embeddings/3",
        "block 1/3",
        "block 2/3",
        "block 3/3",
        "final",
        "head.news",
        "head.mood",
    ]


@given(param_tables(), RATES, FACTORS)
def test_the_equation_of_the_paper(table, peak, factor):
    """η^(l-1) = η^l / factor, from the heads down to the embeddings."""
    schedule = Discriminative(peak, factor)
    by_layer = {}
    for each in table:
        layer = table.depth + 1 if each.role == "head" else min(each.depth, table.depth)
        by_layer.setdefault(layer, set()).add(schedule.rate(schedule.group(each, table), START, 0))
    assert sorted(by_layer) == list(range(table.depth + 2))
    assert by_layer[table.depth + 1] == {peak}
    for layer in range(table.depth + 1):
        [above], [rate] = by_layer[layer + 1], by_layer[layer]
        assert rate == pytest.approx(above / factor, rel=1e-9, abs=1e-300)


@given(SCHEDULES, param_tables(), progresses(), st.integers(0, 1000), st.data())
def test_groups_partition_and_rates_are_finite(schedule, table, progress, age, data):
    groups = {each.name: schedule.group(each, table) for each in table}
    shuffled = ParamTable(tuple(data.draw(st.permutations(table.rows))), table.depth)
    assert {each.name: schedule.group(each, shuffled) for each in shuffled} == groups
    for group in set(groups.values()):
        rate = schedule.rate(group, progress, age)
        assert type(rate) is float
        assert math.isfinite(rate)
        assert rate >= 0
        assert rate == schedule.rate(group, START, 0)


def test_a_very_large_factor_gives_nothing_rather_than_an_error():
    assert rates(Discriminative(0.01, 1e300)) == pytest.approx(
        [0, 0, 0, 1e-302, 1e-302, 0.01, 0.01], rel=1e-12, abs=1e-310
    )


@given(param_tables(), RATES)
def test_factor_one_is_one_rate(table, peak):
    assert set(rates(Discriminative(peak, 1.0), table)) == {peak}
