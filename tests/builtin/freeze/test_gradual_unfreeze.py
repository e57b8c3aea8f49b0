from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtlkit.builtin.freeze.gradual_unfreeze import GradualUnfreeze
from mtlkit.contracts.duration import Duration
from mtlkit.contracts.params import BACKBONE, ParamTable, Row
from mtlkit.contracts.progress import Progress
from mtlkit.testing.strategies import durations, param_tables

LENGTHS = durations().filter(lambda duration: duration.amount > 0)


def trained(policy, table, step, total=400, per_epoch=50):
    phase = policy.phase(Progress(step, total, per_epoch))
    return {row.name for row in table if policy.trainable(row, table, phase)}


@given(param_tables(), LENGTHS, st.integers(1, 5), durations())
@settings(max_examples=40)
def test_monotone_from_the_heads_to_everything(table, every, size, start):
    policy = GradualUnfreeze(every, size, start)
    steps = [0, 1, 2, 3, *range(5, 1000, 37), 10**9]
    sets = [trained(policy, table, step) for step in steps]
    heads = {row.name for row in table if row.role == "head"}
    assert all(before <= after for before, after in pairwise(sets))
    assert sets[0] == heads
    assert sets[-1] == set(table.names)


@given(param_tables(), st.integers(1, 5), st.integers(0, 30))
def test_blocks_thaw_from_the_top_and_embeddings_last(table, size, stage):
    policy = GradualUnfreeze(Duration(1, "ep"), size)
    trains = {row.name: policy.trainable(row, table, stage) for row in table}
    blocks = {row.depth for row in table if row.role == "block" and trains[row.name]}
    count = min(stage * size, table.depth)
    assert blocks == set(range(table.depth - count + 1, table.depth + 1))
    for row in table:
        if row.role == "final":
            assert trains[row.name] is (stage >= 1)
        if row.role == "embeddings":
            assert trains[row.name] is ((stage - 1) * size >= table.depth and stage >= 1)


def test_the_stages_of_a_four_block_model():
    rows = [Row("backbone.e", (), BACKBONE, "embeddings", 0, "embedding")]
    rows += [Row(f"backbone.{n}", (), BACKBONE, "block", n, "weight") for n in range(1, 5)]
    rows += [
        Row("backbone.f", (), BACKBONE, "final", 5, "norm"),
        Row("heads.t.w", (), "t", "head", 6, "weight"),
    ]
    table = ParamTable(tuple(rows), 4)
    policy = GradualUnfreeze(Duration(1, "ep"), 3, Duration(10, "st"))
    assert trained(policy, table, 59) == {"heads.t.w"}
    assert trained(policy, table, 60) == {"heads.t.w", "backbone.f", "backbone.4", "backbone.3", "backbone.2"}
    assert trained(policy, table, 110) == set(table.names) - {"backbone.e"}
    assert trained(policy, table, 159) == set(table.names) - {"backbone.e"}
    assert trained(policy, table, 160) == set(table.names)


@given(LENGTHS, durations(), st.integers(0, 200), st.integers(1, 60))
@settings(max_examples=50)
def test_stages_do_not_drift(every, start, total, per_epoch):
    policy = GradualUnfreeze(every, 1, start)
    scale = {"ep": per_epoch, "st": 1, "%": Fraction(total, 100)}[every.unit]
    begin = start.steps(total, per_epoch)
    for step in range(0, 2 * total + 3, 7):
        stage = policy.phase(Progress(step, total, per_epoch))
        exact = Fraction(every.amount) * scale
        if exact >= 1:
            assert abs(stage - max(0, step - begin) / exact) < 1 + Fraction(1, 2) / exact
        assert 0 <= stage <= max(0, step - begin)


def test_every_must_be_longer_than_nothing():
    with pytest.raises(ValueError, match=r".") as caught:
        GradualUnfreeze(Duration(0, "ep"))
    assert str(caught.value) == "every is '0ep'; a stage must last longer than nothing"


@given(param_tables(), st.integers(1, 5), st.integers(0, 30))
def test_upwards_the_embeddings_come_first_and_the_final_layer_last(table, size, stage):
    policy = GradualUnfreeze(Duration(1, "ep"), size, order="up")
    everything = stage > -(-table.depth // size)
    for row in table:
        if row.role == "head":
            expected = True
        elif row.role == "final":
            expected = everything
        else:
            expected = everything or (stage >= 1 and row.depth <= (stage - 1) * size)
        assert policy.trainable(row, table, stage) is expected
