import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtlkit.builtin.freeze.sequential_unfreeze import SequentialUnfreeze
from mtlkit.contracts.duration import Duration
from mtlkit.contracts.selectors import parse
from mtlkit.testing.strategies import durations, param_tables
from tests.builtin.freeze.moments import changes, made

EPOCH = Duration(1, "ep")
LENGTHS = durations().filter(lambda duration: duration.amount > 0)
SELECTORS = st.lists(
    st.sampled_from(("heads", "blocks", "embeddings", "blocks[0]", "type:norm", "backbone")), min_size=1
)


def test_the_heads_of_two_tasks_and_the_layers_between_them():
    policy = SequentialUnfreeze(("head.news", "blocks[1]", "head.mood", "backbone & !type:norm"), EPOCH)
    first = ["norm", "heads.news.w"]
    assert changes(policy, made(2, "news", "mood"), 60, 10) == {
        0: first,
        10: ["b1", *first],
        20: ["b1", *first, "heads.mood.w"],
        30: ["e", "b0", "b1", *first, "heads.mood.w"],
    }
    assert policy.stages() == (0, 1, 2, 3)
    assert policy.tasks() == ("news", "mood")
    assert policy.patterns() == ("head.news", "blocks[1]", "head.mood", "backbone & !type:norm")


@given(param_tables(max_depth=4), SELECTORS, LENGTHS)
def test_each_stage_adds_what_its_selector_means(table, order, every):
    policy = SequentialUnfreeze(tuple(order), every)
    named = {row.name for row in table if any(parse(text).matches(row, table) for text in order)}
    for stage in policy.stages():
        trains = {row.name for row in table if policy.trainable(row, table, stage)}
        thawed = {row.name for text in order[: stage + 1] for row in table if parse(text).matches(row, table)}
        assert trains == thawed | (set(table.names) - named)


def test_what_it_refuses():
    with pytest.raises(ValueError, match="order is empty; name at least one selector"):
        SequentialUnfreeze((), EPOCH)
    with pytest.raises(ValueError, match="every is '0st'; a stage must last longer than nothing"):
        SequentialUnfreeze(("heads",), Duration(0, "st"))
