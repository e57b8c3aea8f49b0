import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtlkit.builtin.freeze.chain_thaw import ChainThaw
from mtlkit.contracts.duration import Duration
from mtlkit.contracts.params import ParamTable
from mtlkit.contracts.progress import Progress
from mtlkit.testing.strategies import durations, param_tables
from tests.builtin.freeze.moments import changes, made

EPOCH = Duration(1, "ep")
LENGTHS = durations().filter(lambda duration: duration.amount > 0)
EVERYTHING = ["e", "b0", "b1", "norm", "heads.t.w"]
STAGES = {
    ("up", True): [["heads.t.w"], ["e"], ["b0"], ["b1", "norm"], EVERYTHING],
    ("up", False): [["heads.t.w"], ["b0"], ["b1", "norm"], EVERYTHING],
    ("down", True): [["heads.t.w"], ["b1", "norm"], ["b0"], ["e"], EVERYTHING],
    ("down", False): [["heads.t.w"], ["b1", "norm"], ["b0"], EVERYTHING],
}


@pytest.mark.parametrize(("order", "embeddings"), STAGES)
def test_one_stage_for_each_layer_then_everything(order, embeddings):
    expected = {10 * number: stage for number, stage in enumerate(STAGES[order, embeddings])}
    assert changes(ChainThaw(EPOCH, order, embeddings), made(2), 90, 10) == expected


def test_a_layer_that_its_author_froze_has_no_stage():
    rows = [attrs.evolve(row, trainable=row.depth != 1) for row in made(2)]
    table = ParamTable(tuple(rows), 2)
    assert list(changes(ChainThaw(EPOCH), table, 90, 10)) == [0, 10, 20, 30]


@given(param_tables(max_depth=6), LENGTHS, st.sampled_from(("up", "down")), st.booleans())
def test_the_stages_part_the_free_weights_and_no_stage_is_empty(table, every, order, embeddings):
    policy = ChainThaw(every, order, embeddings)
    free = {row.name for row in table if row.trainable}
    stages = [
        {row.name for row in table if row.trainable and policy.trainable(row, table, stage)}
        for stage in range(table.depth + 3)
    ]
    single = stages[: next((at for at, names in enumerate(stages) if names == free), len(stages))]
    assert stages[-1] == free
    assert all(stages) or not free
    assert sum(map(len, single)) == len(set().union(*single))
    last = policy.phase(Progress(10**7, 10**7, 10))
    assert last >= 0


def test_a_stage_of_nothing_is_refused():
    with pytest.raises(ValueError, match="every is '0ep'; a stage must last longer than nothing"):
        ChainThaw(Duration(0, "ep"))
