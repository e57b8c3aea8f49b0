import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtlkit.builtin.freeze.bottom_layers import BottomLayers
from mtlkit.builtin.freeze.depths import count_blocks
from mtlkit.builtin.freeze.top_layers import TopLayers
from mtlkit.testing.strategies import param_tables


@given(param_tables(), st.integers(0, 30), st.booleans())
def test_bottom_freezes_the_first_blocks(table, layers, embeddings):
    policy = BottomLayers(layers=layers, embeddings=embeddings)
    for row in table:
        frozen = (row.role == "block" and row.depth <= layers) or (row.role == "embeddings" and embeddings)
        assert policy.trainable(row, table, 0) is not frozen


@given(param_tables(), st.integers(0, 30), st.booleans())
def test_top_freezes_the_last_blocks(table, layers, final):
    policy = TopLayers(layers=layers, final=final)
    for row in table:
        frozen = (row.role == "block" and table.depth - row.depth < layers) or (row.role == "final" and final)
        assert policy.trainable(row, table, 0) is not frozen


@given(st.floats(0, 1), st.floats(0, 1), st.integers(0, 24))
def test_shares_are_monotone_and_whole_at_the_ends(one, other, depth):
    low, high = sorted((one, other))
    assert 0 <= count_blocks(None, low, depth) <= count_blocks(None, high, depth) <= depth
    assert count_blocks(None, 0.0, depth) == 0
    assert count_blocks(None, 1.0, depth) == depth
    assert abs(count_blocks(None, low, depth) - low * depth) <= 0.5


def test_half_a_block_is_a_whole_one():
    assert count_blocks(None, 0.5, 7) == 4
    assert count_blocks(None, 0.5, 5) == 3


@pytest.mark.parametrize("policy", [BottomLayers, TopLayers])
@pytest.mark.parametrize(
    ("options", "given"), [({}, "neither is given"), ({"layers": 0, "share": 0.5}, "both are given")]
)
def test_layers_or_share(policy, options, given):
    with pytest.raises(ValueError, match=r".") as caught:
        policy(**options)
    assert (
        str(caught.value)
        == f"{given}; write either layers (a number of blocks) or share (0 to 1 of the depth)"
    )
