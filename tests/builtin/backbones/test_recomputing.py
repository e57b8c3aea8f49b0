"""Gradient checkpointing changes what is kept and nothing else: states, gradients, random numbers, splits."""

import copy

import pytest
import torch
from model_folders import CONFIGS, write_model

from mtlkit.builtin.backbones.options import Transformer
from mtlkit.builtin.backbones.transformer import TransformerBackbone
from mtlkit.contracts.place import Place

ROWS = [("a b c d e f g",), ("h i j",), ("k", "l m n o p"), ("b",)]


@pytest.fixture(scope="module", params=[(kind, "auto") for kind in CONFIGS] + [("bert", "off")], ids=str)
def both(request, tmp_path_factory):
    kind, fast = request.param
    folder = write_model(tmp_path_factory.mktemp(kind), kind)
    return [
        TransformerBackbone(
            Transformer(Place(str(folder)), max_length=16, fast=fast, checkpoint_blocks=checkpoint)
        )
        for checkpoint in (False, True)
    ]


def outcome(backbone, depth=None):
    """States, gradients and the next random number of a training step, and the bytes kept for its gradient."""
    kept = [0]

    def pack(value):
        kept[0] += value.numel() * value.element_size()
        return value

    backbone.train()
    backbone.zero_grad()
    torch.manual_seed(3)
    batch = backbone.collate(backbone.prepare(ROWS))
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda value: value):
        if depth is None:
            states = backbone(batch).tokens
        else:
            states = backbone.tail(backbone.stem(batch, depth).detach(), batch, depth).tokens
        loss = (states[batch.mask] * torch.linspace(-1, 1, states.shape[-1])).square().sum()
    kept_bytes = kept[0]
    loss.backward()
    after = torch.rand(2)
    gradients = {name: copy.copy(weight.grad) for name, weight in backbone.named_parameters()}
    return states.detach(), gradients, after, kept_bytes


def check_same(plain, again):
    (states, gradients, after, _), (states2, gradients2, after2, _) = plain, again
    assert torch.equal(states, states2)
    assert torch.equal(after, after2)
    assert gradients.keys() == gradients2.keys()
    for name, gradient in gradients.items():
        other = gradients2[name]
        assert (gradient is None) == (other is None), name
        assert gradient is None or torch.equal(gradient, other), name


def test_states_and_gradients_are_the_same_with_dropout_and_less_is_kept(both):
    plain, again = map(outcome, both)
    check_same(plain, again)
    assert again[3] < 0.6 * plain[3]


def test_so_are_those_above_a_frozen_part(both):
    depth = min(1, both[0].depth - 1)
    for backbone in both:
        for name, weight in backbone.named_parameters():
            weight.requires_grad_(backbone.place(name)[1] > depth)
    try:
        check_same(*(outcome(backbone, depth) for backbone in both))
    finally:
        for backbone in both:
            backbone.requires_grad_(True)


def test_weights_keep_their_names_and_states_are_shown(both):
    plain, again = both
    assert [*plain.state_dict()] == [*again.state_dict()]
    shown = []
    for backbone in both:
        backbone.eval()
        batch = backbone.collate(backbone.prepare(ROWS))
        with backbone.keep([0, 1, backbone.depth]) as kept:
            backbone(batch)
        shown.append(dict(kept))
    assert [*shown[0]] == [*shown[1]]
    assert all(torch.equal(shown[0][depth][batch.mask], shown[1][depth][batch.mask]) for depth in shown[0])


def test_nothing_is_computed_again_without_a_gradient(both):
    _, again = both
    again.eval()
    batch = again.collate(again.prepare(ROWS))
    with torch.no_grad():
        assert not again(batch).tokens.requires_grad
