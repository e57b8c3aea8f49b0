import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtlkit.builtin.lr.layer_decay import LayerDecay
from mtlkit.builtin.lr.layer_wise import LayerWise
from mtlkit.builtin.lr.uniform import Uniform
from mtlkit.contracts.params import ParamTable
from mtlkit.contracts.progress import Progress
from mtlkit.testing.strategies import TASKS, param_tables, progresses

START = Progress(0, 10, 5)
RATES = st.floats(0, 1)
SCHEDULES = st.one_of(
    RATES.map(Uniform),
    st.builds(
        LayerWise, RATES, RATES, RATES, st.none() | RATES, st.dictionaries(st.sampled_from(TASKS), RATES)
    ),
    st.builds(LayerDecay, RATES, st.floats(0.01, 1), st.none() | RATES),
)


def rate_of(schedule, row, table):
    return schedule.rate(schedule.group(row, table), START, 0)


@given(SCHEDULES, param_tables(), progresses(), st.integers(0, 1000), st.data())
def test_groups_partition_and_rates_are_finite(schedule, table, progress, age, data):
    groups = {row.name: schedule.group(row, table) for row in table}
    shuffled = ParamTable(tuple(data.draw(st.permutations(table.rows))), table.depth)
    assert {row.name: schedule.group(row, shuffled) for row in shuffled} == groups
    for group in set(groups.values()):
        rate = schedule.rate(group, progress, age)
        assert math.isfinite(rate)
        assert rate >= 0
        assert schedule.rate(group, progress, age) == rate


@given(param_tables())
def test_uniform_is_one_group(table):
    assert {Uniform().group(row, table) for row in table} == {"all"}
    assert {rate_of(Uniform(), row, table) for row in table} == {5e-5}


@given(param_tables(), RATES, RATES, RATES, RATES)
def test_layer_wise_gives_each_part_its_rate(table, embeddings, blocks, heads, own):
    task = table.tasks[0]
    schedule = LayerWise(embeddings, blocks, heads, per_task={task: own})
    for row in table:
        group = schedule.group(row, table)
        expected = {"embeddings": embeddings, "block": blocks, "final": blocks}.get(row.role, heads)
        assert rate_of(schedule, row, table) == (own if row.owner == task else expected)
        assert group == {"block": "blocks", "head": f"head.{row.owner}"}.get(row.role, row.role)


@given(param_tables())
def test_layer_wise_final_can_differ(table):
    schedule = LayerWise(1e-3, 5e-3, 1e-2, final=2.0)
    assert all((rate_of(schedule, row, table) == 2.0) is (row.role == "final") for row in table)
    assert schedule.tasks() == ()
    assert LayerWise(0.1, 0.1, 0.1, per_task={"news": 1.0}).tasks() == ("news",)


def beit_rates(peak: float, decay: float, blocks: int) -> list[float]:
    """By depth, as in BEiT: decay ** (num_layers + 1 - i) for i in range(num_layers + 2)."""
    return [peak * decay ** (blocks + 1 - depth) for depth in range(blocks + 2)]


def electra_rates(rate: float, decay: float, blocks: int) -> list[float]:
    """By depth, as in `_get_layer_lrs` of ELECTRA's model/optimization.py; the last is the head's."""
    depths = [0, *(layer + 1 for layer in range(blocks)), blocks + 2]
    return [rate * decay ** (blocks + 2 - depth) for depth in depths]


@given(param_tables(), RATES, st.floats(0.1, 1))
def test_layer_decay_follows_beit(table, peak, decay):
    expected = beit_rates(peak, decay, table.depth)
    for row in table:
        assert rate_of(LayerDecay(peak, decay), row, table) == pytest.approx(
            expected[min(row.depth, table.depth + 1)]
        )


@given(param_tables(), RATES, st.floats(0.1, 1))
def test_layer_decay_can_be_electra(table, rate, decay):
    expected = electra_rates(rate, decay, table.depth)
    schedule = LayerDecay(peak=rate * decay, decay=decay, head_rate=rate)
    for row in table:
        if row.role != "final":  # ELECTRA has nothing there
            assert rate_of(schedule, row, table) == pytest.approx(expected[min(row.depth, table.depth + 1)])


@given(param_tables())
def test_layer_decay_names_say_the_layer(table):
    groups = {LayerDecay(1.0).group(row, table) for row in table}
    expected = {f"embeddings/{table.depth}"} | {f"block {n}/{table.depth}" for n in range(1, table.depth + 1)}
    expected |= {f"head.{task}" for task in table.tasks}
    assert groups - {"final"} == expected


@given(param_tables(max_depth=12), RATES, st.floats(0.01, 1), st.integers(1, 5), st.floats(0, 1))
def test_blocks_of_a_group_share_a_rate_and_none_falls_below_the_least(table, peak, decay, size, least):
    schedule = LayerDecay(peak, decay, group_size=size, min_scale=least)
    plain = LayerDecay(peak, decay)
    blocks, depth = {row.depth: row for row in table if row.role == "block"}, table.depth
    groups = [list(range(depth, 0, -1))[at : at + size] for at in range(0, depth, size)]
    for number, members in enumerate(groups, start=1):
        for row in (blocks[each] for each in members if each in blocks):
            assert rate_of(schedule, row, table) == pytest.approx(peak * max(decay**number, least))
    for row in table:
        if row.role == "embeddings":
            expected = peak * max(decay ** (len(groups) + 1), least)
            assert rate_of(schedule, row, table) == pytest.approx(expected)
        if row.role in ("final", "head"):
            assert rate_of(schedule, row, table) == rate_of(plain, row, table)
