import pytest
import torch
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from mtlkit.builtin.heads.text_reader import AttentionPooling, TextReader, pooled
from mtlkit.contracts.backbone import Features
from mtlkit.contracts.head import HeadContext
from mtlkit.engine.pooling import pool

CONTEXT = HeadContext("mood", 3, (), depth=1)


def features(lengths, seed=0, padding=0):
    generator = torch.Generator().manual_seed(seed)
    width = max(lengths)
    mask = torch.arange(width + padding) < torch.tensor(lengths)[:, None]
    layers = {
        depth: torch.nn.functional.pad(
            torch.randn(len(lengths), width, 3, generator=generator), [0, 0, 0, padding]
        ).masked_fill(~mask.unsqueeze(-1), float("nan"))
        for depth in (0, 1)
    }
    return Features(layers[1], mask, torch.full(mask.shape, -1), layers=layers)


@pytest.mark.parametrize("how", ["mean", "cls", "max", "last"])
def test_the_last_layer_is_pooled_by_the_engine(how):
    reader = TextReader(how, "last", CONTEXT)
    assert (reader.needs, reader.pooling, reader.depths, reader.size) == ("pooled", how, (), 3)
    read = evolve(features([2]), pooled=torch.ones(1, 3))
    assert reader(read) is read.pooled
    with pytest.raises(TypeError, match="needs pooled features"):
        reader(features([2]))


@pytest.mark.parametrize("how", ["mean", "cls", "max"])
def test_other_layers_are_pooled_as_the_engine_does(how):
    reader, read = TextReader(how, (0,), CONTEXT), features([1, 3, 2], padding=2)
    assert (reader.needs, reader.depths) == ("tokens", (0,))
    torch.testing.assert_close(reader(read), pool(read.layers[0], read.mask, how))


def test_the_last_token_is_the_last_real_one():
    read = features([1, 3, 2], padding=2)
    states = torch.nan_to_num(read.tokens, nan=0.0)
    wanted = states[torch.arange(3), torch.tensor([0, 2, 1])]
    torch.testing.assert_close(pooled(states, read.mask, "last"), wanted)


@settings(max_examples=20)
@given(
    how=st.sampled_from(["mean", "cls", "max", "last", "attention"]),
    layers=st.sampled_from(["mix", (0,), (1, 0)]),
    lengths=st.lists(st.integers(1, 4), min_size=1, max_size=4),
    padding=st.integers(1, 3),
)
def test_a_row_is_read_alone_and_padding_never(how, layers, lengths, padding):
    torch.manual_seed(0)
    reader = TextReader(how, layers, CONTEXT)
    whole = reader(features(lengths))
    torch.testing.assert_close(reader(features(lengths, padding=padding)), whole)
    first = features(lengths)
    one = Features(
        first.tokens[:1, : lengths[0]],
        first.mask[:1, : lengths[0]],
        first.words[:1, : lengths[0]],
        layers={depth: states[:1, : lengths[0]] for depth, states in first.layers.items()},
    )
    torch.testing.assert_close(reader(one), whole[:1])


def test_attention_is_a_weighted_mean():
    pooling, states = AttentionPooling(3), torch.randn(2, 4, 3)
    mask = torch.tensor([[True, True, True, False], [False] * 4])
    scores = torch.tanh(states[0, :3] @ pooling.key.weight.T + pooling.key.bias) @ pooling.query.weight[0]
    found = pooling(states.masked_fill(~mask.unsqueeze(-1), 0.0), mask)
    torch.testing.assert_close(found[0], scores.softmax(0) @ states[0, :3])
    assert found[1].tolist() == [0, 0, 0]


@pytest.mark.parametrize("how", ["mean", "max", "last"])
def test_a_row_without_tokens_is_zero(how):
    assert pooled(torch.zeros(1, 2, 3), torch.zeros(1, 2, dtype=torch.bool), how).tolist() == [[0, 0, 0]]
