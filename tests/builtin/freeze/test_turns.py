"""Policies in which parts take turns, and the one that freezes from the bottom."""

from collections import Counter
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtlkit.builtin.freeze.alternate import Alternate
from mtlkit.builtin.freeze.freeze_out import LAYERS, FreezeOut
from mtlkit.builtin.freeze.lisa import Lisa, drawn
from mtlkit.contracts.duration import Duration
from mtlkit.contracts.progress import Progress
from mtlkit.testing.strategies import durations, param_tables
from tests.builtin.freeze.moments import changes, made, trained

EPOCH = Duration(1, "ep")
DRAWS = [(5, 6), (3, 4), (3, 8), (1, 12), (7, 11)]
LENGTHS = durations().filter(lambda duration: duration.amount > 0)


def test_sets_take_turns_and_the_rest_always_trains():
    policy = Alternate(EPOCH, (("blocks[0]", "embeddings"), ("blocks[1]",), ("blocks",)))
    first, second = ["e", "b0", "norm", "heads.t.w"], ["b1", "norm", "heads.t.w"]
    third = ["b0", "b1", "norm", "heads.t.w"]
    turns = changes(policy, made(2), 60, 10)
    assert turns == {0: first, 10: second, 20: third, 30: first, 40: second, 50: third, 60: first}
    assert policy.stages() == (0, 1, 2)


@given(param_tables(max_depth=6), LENGTHS, st.integers(0, 300))
def test_two_complements_take_turns(table, every, step):
    policy = Alternate(every, (("blocks",), ("!blocks",)))
    phase = policy.phase(Progress(step, 200, 20))
    names = {row.name for row in table if policy.trainable(row, table, phase)}
    assert names == {row.name for row in table if (row.role == "block") is (phase == 0)}


@given(LENGTHS, st.integers(0, 100), st.integers(2, 4))
def test_turns_go_round(every, total, count):
    policy = Alternate(every, (("blocks",),) * count)
    asked = [policy.phase(Progress(step, total, 20)) for step in range(total + 3)]
    assert asked[0] == 0
    assert all(after - before in (0, 1, 1 - count) for before, after in pairwise(asked))


@given(param_tables(max_depth=12), LENGTHS, st.integers(1, 5), st.integers(-3, 3), st.integers(0, 400))
def test_lisa_trains_so_many_blocks_and_everything_else(table, every, active, seed, step):
    names = set(trained(Lisa(every, active, seed), table, Progress(step, 400, 20)))
    blocks = {
        row.depth for row in table if row.role == "block" and row.name.removeprefix("backbone.") in names
    }
    assert len(blocks) == min(active, table.depth)
    for row in table:
        trains = row.role != "block" or row.depth in blocks
        assert (row.name.removeprefix("backbone.") in names) is trains


def test_the_draws_are_a_function_of_seed_and_period_alone():
    assert [drawn(0, period, 2, 12) for period in range(5)] == DRAWS
    Random(5).random()
    drawn.cache_clear()
    assert [drawn(0, period, 2, 12) for period in reversed(range(5))] == DRAWS[::-1]
    assert drawn(1, 0, 2, 12) != drawn(0, 0, 2, 12)


def test_every_block_is_drawn_about_equally_often():
    counts = Counter(depth for period in range(3000) for depth in drawn(7, period, 3, 12))
    assert set(counts) == set(range(1, 13))
    assert max(abs(count - 750) for count in counts.values()) < 120  # five standard deviations


def test_lisa_draws_anew_in_each_period():
    found = changes(Lisa(EPOCH, 1), made(8), 100, 10)
    assert len(found) >= 8
    assert all(step % 10 == 0 for step in found)


def ends(policy, table, total):
    """Layer → the step from which it is frozen, None where it never is."""
    layers = {row.name.removeprefix("backbone."): None for row in table}
    for step in range(total + 2):
        names = trained(policy, table, Progress(step, total, 10))
        layers = {name: step if end is None and name not in names else end for name, end in layers.items()}
    return layers


@pytest.mark.parametrize(
    ("spacing", "expected"),
    [("linear", [50, 60, 70, 80, 90]), ("cubic", [12, 22, 34, 51, 73])],
)
def test_freeze_out_by_the_formula_of_the_paper(spacing, expected):
    policy = FreezeOut(Duration(50, "%"), spacing)
    assert list(ends(policy, made(4), 100).values()) == [*expected, None, None]


@given(st.integers(0, LAYERS - 1), st.integers(1, 300), durations(), st.sampled_from(("linear", "cubic")))
def test_each_layer_freezes_at_its_step(blocks, total, start, spacing):
    table, policy = made(blocks), FreezeOut(start, spacing)
    first = min(1.0, start.steps(total, 10) / total)
    for row in table.rows[: blocks + 1]:
        share = first + (1 - first) * (row.depth / (blocks + 1))
        end = round(total * (share if spacing == "linear" else share**3))
        for step in {max(0, end - 1), end, end + 1}:
            trains = policy.trainable(row, table, policy.phase(Progress(step, total, 10)))
            assert trains is (step < end)


@given(param_tables(), st.integers(1, 200), durations(), st.sampled_from(("linear", "cubic")))
def test_freeze_out_only_freezes_and_from_the_bottom(table, total, start, spacing):
    policy = FreezeOut(start, spacing)
    before = set(table.names)
    for step in range(0, total + 20, 5):
        phase = policy.phase(Progress(step, total, 10))
        now = {row.name for row in table if policy.trainable(row, table, phase)}
        assert now <= before
        frozen = [row.depth for row in table if row.name not in now]
        assert all(row.depth > max(frozen, default=-1) for row in table if row.name in now)
        before = now


def test_a_deeper_model_than_the_grid_freezes_a_little_late():
    total, blocks = 10_000, 99
    table, policy = made(blocks), FreezeOut(Duration(0, "st"), "linear")
    for row in table.rows[: blocks + 1]:
        end = round(total * row.depth / (blocks + 1))
        trains = [
            policy.trainable(row, table, policy.phase(Progress(step, total, 10)))
            for step in (end - 1, end + total // 50)
        ]
        assert trains == [True, False]


def test_a_run_of_no_steps_freezes_nothing():
    assert FreezeOut().phase(Progress(0, 0, 1)) == 0


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Lisa(Duration(0, "ep")), "every is '0ep'; a period must last longer than nothing"),
        (
            lambda: Alternate(Duration(0, "st"), (("a*",), ("b*",))),
            "every is '0st'; a turn must last longer than nothing",
        ),
        (lambda: Alternate(EPOCH, (("a*",),)), "sets has 1 entries; at least two can take turns"),
        (lambda: Alternate(EPOCH, (("a*",), ())), "sets[1] is empty; name at least one selector"),
    ],
)
def test_errors(build, message):
    with pytest.raises(ValueError, match=r".") as caught:
        build()
    assert str(caught.value) == message
