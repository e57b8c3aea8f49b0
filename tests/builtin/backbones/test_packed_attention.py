"""Attention over packed rows is that of each row alone, and so is its gradient."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from mtlkit.builtin.backbones.packed_attention import attend, packed_attention
from mtlkit.builtin.backbones.packing import GROUP_ROWS, Packing

CPU = torch.device("cpu")
SIZE = 3
lengths = st.lists(st.integers(0, 11), min_size=1, max_size=2 * GROUP_ROWS).filter(any)


def attended(packing, states, scale, dropout=0.0):
    """Attention of states [P, 3, A, D], which are query, key and value."""
    each = (part.transpose(0, 1)[None] for part in states.unbind(1))
    answer, _ = packed_attention(
        nn.Identity().train(dropout > 0), *each, None, packing=packing, scaling=scale, dropout=dropout
    )
    return answer


def row_by_row(sizes, states, scale):
    found, start = [], 0
    for size in sizes:
        query, key, value = (part.transpose(0, 1) for part in states[start : start + size].unbind(1))
        weights = (scale * query @ key.transpose(1, 2)).softmax(-1)
        found.append((weights @ value).transpose(0, 1))
        start += size
    return torch.cat([*found, torch.zeros_like(states[start:, 0])])[None]


def drawn(packing, heads, seed):
    generator = torch.Generator().manual_seed(seed)
    shape = (len(packing.positions), 3, heads, SIZE)
    return torch.randn(shape, dtype=torch.float64, generator=generator, requires_grad=True)


@settings(max_examples=60, deadline=None)
@given(lengths, st.integers(1, 4), st.floats(0.1, 3), st.integers(0, 99))
def test_it_is_the_attention_of_each_row_alone(sizes, heads, scale, seed):
    packing = Packing.of(sizes, max(sizes), CPU)
    states = drawn(packing, heads, seed)
    ours, plain = attended(packing, states, scale), row_by_row(sizes, states, scale)
    torch.testing.assert_close(ours, plain)
    pull = torch.randn(plain.shape, dtype=torch.float64)
    found, wanted = (torch.autograd.grad((each * pull).sum(), states)[0] for each in (ours, plain))
    torch.testing.assert_close(found, wanted)
    assert not ours[0, sum(sizes) :].any()
    assert not found[sum(sizes) :].any()


@pytest.mark.parametrize("sizes", [[3], [8, 2, 5], [1] * 9 + [4, 0, 7]])
def test_its_gradient_is_that_of_its_differences_under_dropout(sizes):
    packing = Packing.of(sizes, max(sizes), CPU)

    def dropped(states):
        torch.manual_seed(5)
        return attended(packing, states, 0.7, dropout=0.25)

    def first(states):
        torch.manual_seed(5)
        query, key, value = states.unbind(1)
        return attend(query[packing.firsts], key, value, packing.attending(2, first=True), 0.7, 0.25)

    states = drawn(packing, 2, 1)
    assert torch.autograd.gradcheck(dropped, states)
    assert torch.autograd.gradcheck(first, states)
    assert not torch.equal(dropped(states), attended(packing, states, 0.7))


@settings(max_examples=60, deadline=None)
@given(lengths, st.integers(1, 4), st.integers(0, 99))
def test_first_tokens_alone_see_what_they_see_beside_the_others(sizes, heads, seed):
    packing = Packing.of(sizes, max(sizes), CPU)
    states = drawn(packing, heads, seed)
    query, key, value = states.unbind(1)
    firsts = packing.firsts
    assert firsts.tolist() == [sum(sizes[:row]) for row, size in enumerate(sizes) if size]
    alone = attend(query[firsts], key, value, packing.attending(heads, first=True), 0.6, 0.0)
    beside = attended(packing, states, 0.6)[0, firsts]
    torch.testing.assert_close(alone, beside)
    pull = torch.randn(alone.shape, dtype=torch.float64)
    found, wanted = (torch.autograd.grad((each * pull).sum(), states)[0] for each in (alone, beside))
    torch.testing.assert_close(found, wanted)
    whole = packing.apart(attended(packing, states, 0.6))
    torch.testing.assert_close(packing.firsts_apart(alone[None]), whole[:, :1])


@given(lengths, st.integers(1, 4))
def test_places_of_heads_are_those_of_tokens_head_by_head(sizes, heads):
    packing = Packing.of(sizes, max(sizes), CPU)
    attending = packing.attending(heads)
    places = attending.told
    assert attending.asking is places
    assert len(places.there) == heads * len(packing.there)
    assert torch.equal(places.there[places.back], torch.arange(heads * sum(sizes)))
    assert packing.attending(heads) is attending
    start = 0
    for group, bias in zip(packing.groups, attending.biases, strict=True):
        end = start + heads * group.rows * group.width
        block = places.there[start:end].view(group.rows, heads, group.width)
        assert torch.equal(block % heads, torch.arange(heads)[:, None].expand_as(block))
        assert (bias is None) == (group.mask is None)
        if bias is not None:
            expected = group.mask.repeat_interleave(heads, 0)[:, None]
            assert torch.equal(bias == 0, expected)
            assert torch.equal(bias == -torch.inf, ~expected)
        start = end


def test_a_gradient_of_its_gradient_is_refused():
    packing = Packing.of([4], 4, CPU)
    states = drawn(packing, 1, 0)
    (first,) = torch.autograd.grad(attended(packing, states, 1.0).pow(2).sum(), states, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        first.sum().backward()
