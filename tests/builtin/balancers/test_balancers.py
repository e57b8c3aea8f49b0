from hypothesis import given
from hypothesis import strategies as st

from mtlkit.builtin.balancers.static import Static
from mtlkit.builtin.balancers.sum import Sum
from mtlkit.testing.strategies import TASKS, progresses

LOSSES = st.dictionaries(st.sampled_from(TASKS), st.floats(0, 1e6))


@given(LOSSES, progresses())
def test_sum_counts_each_loss_once(losses, progress):
    assert Sum().weights(losses, progress) == dict.fromkeys(losses, 1.0)
    assert Sum().tasks() == ()


@given(LOSSES, LOSSES, progresses())
def test_static_gives_what_is_written_and_else_1(written, losses, progress):
    weights = Static(written).weights(losses, progress)
    assert set(weights) == set(losses)
    assert all(weights[task] == written.get(task, 1.0) for task in losses)
    assert Static(written).tasks() == tuple(written)
