from itertools import pairwise

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mtlkit import Duration, ParamTable, Progress, Row
from mtlkit.testing.strategies import durations, param_tables, progresses

from mtlkit_ulmfit import ChainThaw

LENGTHS = durations().filter(lambda duration: duration.amount > 0)
POLICIES = st.builds(ChainThaw, LENGTHS, st.sampled_from(["up", "down"]), st.booleans())
EPOCH = Duration(1, "ep")


def row(name, owner, role, depth, trainable=True):
    return Row(name, (2,), owner, role, depth, "weight", trainable=trainable)


def three_blocks(final=True):
    rows = [row("backbone.emb", "backbone", "embeddings", 0)]
    rows += [row(f"backbone.block{n}.{part}", "backbone", "block", n) for n in (1, 2, 3) for part in "ab"]
    rows += [row("backbone.norm", "backbone", "final", 4)] if final else []
    rows += [row("heads.news.w", "news", "head", 5), row("heads.mood.w", "mood", "head", 5)]
    return ParamTable(tuple(rows), 3)


def trained(policy, table, phase):
    return {row.name for row in table if policy.trainable(row, table, phase)}


HEADS = {"heads.news.w", "heads.mood.w"}
EMB, ONE, TWO = (
    {"backbone.emb"},
    {"backbone.block1.a", "backbone.block1.b"},
    {"backbone.block2.a", "backbone.block2.b"},
)
THREE = {"backbone.block3.a", "backbone.block3.b", "backbone.norm"}
ALL = HEADS | EMB | ONE | TWO | THREE
STAGES = {
    ("up", True): [HEADS, EMB, ONE, TWO, THREE, ALL],
    ("up", False): [HEADS, ONE, TWO, THREE, ALL],
    ("down", True): [HEADS, THREE, TWO, ONE, EMB, ALL],
    ("down", False): [HEADS, THREE, TWO, ONE, ALL],
}


@pytest.mark.parametrize(("order", "embeddings"), STAGES)
def test_the_stages_of_three_blocks(order, embeddings):
    table, policy = three_blocks(), ChainThaw(EPOCH, order, embeddings)
    expected = STAGES[order, embeddings]
    for step in range(10 * 8):  # ten epochs of eight steps
        phase = policy.phase(Progress(step, 80, 8))
        assert trained(policy, table, phase) == expected[min(step // 8, len(expected) - 1)]
    assert trained(policy, table, policy.phase(Progress(10**9, 80, 8))) == ALL


def test_up_with_the_embeddings_is_the_default():
    assert ChainThaw(EPOCH) == ChainThaw(EPOCH, "up", True)
    assert ChainThaw.monotone is False


@pytest.mark.parametrize("skipped", ["heads", "embeddings", "block 2"])
def test_a_layer_that_its_author_froze_has_no_stage(skipped):
    """The next one takes its place; in the last stage the policy forbids nothing."""
    gone = {"heads": "heads.", "embeddings": "backbone.emb", "block 2": "backbone.block2."}[skipped]
    rows = tuple(attrs.evolve(each, trainable=not each.name.startswith(gone)) for each in three_blocks())
    table, policy = ParamTable(rows, 3), ChainThaw(EPOCH)
    stages = [trained(policy, table, phase) for phase in range(6)]
    left = [stage for stage in STAGES["up", True] if not any(name.startswith(gone) for name in stage)]
    assert stages == [*left, ALL, ALL]


def test_without_blocks_the_final_weights_train_with_the_embeddings():
    rows = (
        row("e", "backbone", "embeddings", 0),
        row("f", "backbone", "final", 1),
        row("h", "t", "head", 2),
    )
    table = ParamTable(rows, 0)
    assert [trained(ChainThaw(EPOCH), table, phase) for phase in range(3)] == [
        {"h"},
        {"e", "f"},
        {"e", "f", "h"},
    ]
    assert trained(ChainThaw(EPOCH, embeddings=False), table, 1) == {"e", "f", "h"}


def layers(table):
    """The names of each layer: "head", or the depth, what follows the last block counting to it."""
    found = {}
    for each in table:
        found.setdefault("head" if each.role == "head" else min(each.depth, table.depth), set()).add(
            each.name
        )
    return found


@given(POLICIES, param_tables())
@settings(max_examples=60)
def test_each_layer_with_something_to_train_has_one_turn(policy, table):
    stages = [trained(policy, table, phase) for phase in range(table.depth + 3)]
    assert stages[-1] == set(table.names)
    single = stages[: stages.index(stages[-1])]
    assert all(stage == set(table.names) for stage in stages[len(single) :])
    free = {each.name for each in table if each.trainable}
    expected = {layer: names for layer, names in layers(table).items() if names & free}
    if not policy.embeddings:
        expected.pop(0, None)
    assert len(single) == len(expected)
    assert all(names in single for names in expected.values())


@given(param_tables(), st.booleans())
@settings(max_examples=60)
def test_down_is_up_backwards(table, embeddings):
    stages = {}
    for order in ("up", "down"):
        policy = ChainThaw(EPOCH, order, embeddings)
        sets = [trained(policy, table, phase) for phase in range(table.depth + 3)]
        stages[order] = sets[: sets.index(set(table.names))]
    heads = {each.name for each in table if each.role == "head"}
    up, down = ([stage for stage in stages[order] if stage != heads] for order in ("up", "down"))
    assert up == down[::-1]


@given(POLICIES, st.integers(0, 200), st.integers(1, 60))
@settings(max_examples=60)
def test_stages_begin_on_time_and_none_is_jumped_over(policy, total, per_epoch):
    phases = [policy.phase(Progress(step, total, per_epoch)) for step in range(2 * total + 3)]
    assert phases[0] == 0
    for step, (before, after) in enumerate(pairwise(phases), start=1):
        assert after - before in (0, 1)
        every = Duration(after * policy.every.amount, policy.every.unit)
        if after > before:  # the time has come; not before, but where stages are shorter than a step
            assert every.steps(total, per_epoch) <= step
            assert every.steps(total, per_epoch) == step or after == step
        else:
            later = Duration((after + 1) * policy.every.amount, policy.every.unit)
            assert later.steps(total, per_epoch) > step


@given(POLICIES, param_tables(), progresses(), st.data())
@settings(max_examples=60)
def test_blind_to_the_order_of_the_table_and_to_names(policy, table, progress, data):
    phase = policy.phase(progress)
    shuffled = ParamTable(tuple(data.draw(st.permutations(table.rows))), table.depth)
    assert trained(policy, shuffled, phase) == trained(policy, table, phase)
    renamed = ParamTable(tuple(attrs.evolve(each, name=f"x{n}") for n, each in enumerate(table)), table.depth)
    asked = [policy.trainable(each, renamed, phase) for each in renamed]
    assert asked == [policy.trainable(each, table, phase) for each in table]


def test_every_must_be_longer_than_nothing():
    with pytest.raises(ValueError, match=r".") as caught:
        ChainThaw(Duration(0, "%"))
    assert str(caught.value) == "every is '0%'; a stage must last longer than nothing"
