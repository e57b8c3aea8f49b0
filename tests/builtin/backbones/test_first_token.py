"""The first token alone is what it is beside the others, in every model that packs its rows."""

from contextlib import nullcontext

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from model_folders import write_model

from mtlkit.builtin.backbones.adapter_options import Lora
from mtlkit.builtin.backbones.byte_dropout import ByteDropout
from mtlkit.builtin.backbones.fast import FAMILY
from mtlkit.builtin.backbones.options import Transformer
from mtlkit.builtin.backbones.packing import GROUP_ROWS
from mtlkit.builtin.backbones.transformer import TransformerBackbone
from mtlkit.contracts.backbone import FirstAlone
from mtlkit.contracts.place import Place

texts = st.text("abcdefghijklmnop ", max_size=12)


def backbone_of(folder, kind="bert", **options):
    place = Place(str(write_model(folder, kind)))
    return TransformerBackbone(Transformer(place, **{"max_length": 16, **options}))


@pytest.fixture(scope="module", params=sorted(FAMILY))
def backbone(request, tmp_path_factory):
    return backbone_of(tmp_path_factory.mktemp(request.param), request.param)


def first_states(backbone, rows, *, alone, split=None):
    """States [B, H] of first tokens, the gradient of each weight, and how many tokens a row came with."""
    backbone.eval()
    backbone.zero_grad()
    batch = backbone.collate(backbone.prepare(rows))
    with backbone.first_alone() if alone else nullcontext():
        if split is None:
            features = backbone(batch)
        else:
            features = backbone.tail(backbone.stem(batch, split), batch, split)
    states = features.tokens[:, 0]
    (states * torch.linspace(-1, 1, states.shape[-1])).square().sum().backward()
    gradients = {name: weight.grad for name, weight in backbone.named_parameters()}
    return states.detach(), gradients, features


def check_same(alone, beside):
    assert torch.allclose(alone[0], beside[0], rtol=1e-5, atol=1e-5)
    assert alone[1].keys() == beside[1].keys()
    assert any(gradient is not None for gradient in beside[1].values())
    for name, theirs in beside[1].items():
        ours = alone[1][name]
        assert (ours is None) == (theirs is None), name
        if theirs is not None:
            size = max(1.0, float(theirs.abs().max()))
            assert torch.allclose(ours, theirs, rtol=1e-4, atol=1e-4 * size), name


@settings(max_examples=15)
@given(
    st.lists(texts | st.tuples(texts, texts), min_size=1, max_size=2 * GROUP_ROWS + 1),
    st.none() | st.integers(0, 2),
)
def test_states_and_gradients_are_those_beside_the_others(backbone, rows, split):
    assert isinstance(backbone, FirstAlone)
    rows = [row if isinstance(row, tuple) else (row,) for row in rows]
    alone, beside = (first_states(backbone, rows, alone=each, split=split) for each in (True, False))
    check_same(alone, beside)
    given_alone, given_beside = alone[2], beside[2]
    if split == backbone.depth:  # nothing is left to compute
        assert torch.equal(given_alone.tokens, given_beside.tokens)
        return
    assert given_alone.tokens.shape == (len(rows), 1, backbone.hidden_size)
    assert torch.equal(given_alone.mask, given_beside.mask[:, :1])
    assert torch.equal(given_alone.words, given_beside.words[:, :1])


@pytest.mark.parametrize("options", [{"lora": Lora(rank=2)}, {"checkpoint_blocks": True}])
def test_adapters_and_blocks_computed_again_take_part(tmp_path, options):
    backbone = backbone_of(tmp_path, **options)
    rows = [("ab cd",), ("e",), ("f g h i",)]
    check_same(*(first_states(backbone, rows, alone=each) for each in (True, False)))


def test_where_rows_are_not_packed_all_tokens_come(tmp_path):
    rows = [("a b c " * 20,), ("d",)]
    for options in ({"fast": "off"}, {"long_texts": "windows", "overlap": 2}):
        backbone = backbone_of(tmp_path / str(len(options)), **options)
        alone, beside = (first_states(backbone, rows, alone=each) for each in (True, False))
        assert torch.equal(alone[2].tokens, beside[2].tokens)


def test_a_layer_that_is_asked_for_comes_whole(tmp_path):
    backbone = backbone_of(tmp_path)
    batch = backbone.collate(backbone.prepare([("a b",), ("c",)]))
    with backbone.keep([1, 2]) as kept, backbone.first_alone():
        features = backbone(batch)
    assert kept[2].shape == kept[1].shape == features.tokens.shape
    assert features.tokens.shape[1] > 1


def test_with_dropout_first_tokens_scatter_as_beside_the_others(tmp_path):
    """Means over 300 draws agree within four standard errors for nearly every state, variances within a third."""
    backbone = backbone_of(tmp_path).train()
    batch = backbone.collate(backbone.prepare([("abc d",), ("e",), ("fg",)]))
    torch.manual_seed(0)
    draws, seen = 300, []
    for each in (backbone.first_alone, nullcontext):
        with torch.no_grad(), each():
            seen.append(torch.stack([backbone(batch).tokens[:, 0] for _ in range(draws)]))
    alone, beside = seen
    error = ((alone.var(0) + beside.var(0)) / draws).sqrt()
    assert ((alone.mean(0) - beside.mean(0)).abs() < 4 * error + 1e-6).float().mean() > 0.98
    assert 0.75 < alone.var(0).mean() / beside.var(0).mean() < 4 / 3


@pytest.mark.parametrize("kind", sorted(FAMILY))
def test_a_tail_computes_no_embeddings(tmp_path, kind):
    backbone = backbone_of(tmp_path, kind).eval()
    batch = backbone.collate(backbone.prepare([("a b",), ("c",)]))
    hidden = backbone.stem(batch, 1)
    for weight in backbone._ready.fast.embeddings[0].parameters():
        weight.data.fill_(torch.nan)
    called = []
    backbone._ready.fast.embeddings[0].word_embeddings.register_forward_hook(lambda *_: called.append(1))
    assert backbone.tail(hidden, batch, 1).tokens.isfinite().all()
    assert not called
    assert not backbone(batch).tokens[batch.mask].isfinite().any()


@pytest.mark.parametrize("kind", sorted(FAMILY))
def test_attention_is_dropped_as_the_model_says(tmp_path, kind):
    backbone = backbone_of(tmp_path, kind)
    batch = backbone.collate(backbone.prepare([("a b c d",), ("e f g h",)]))
    own = [module for module in backbone.modules() if hasattr(module, "scaling")]
    assert len(own) == backbone.depth
    for module in backbone.modules():
        if isinstance(module, ByteDropout):
            module.p = 0.5 if any(module is each.dropout for each in own) else 0.0
    with backbone.first_alone(), torch.no_grad():
        hidden = backbone.eval().stem(batch, backbone.depth - 1)
        still, drawn = (
            [backbone.train(on).tail(hidden, batch, backbone.depth - 1).tokens for _ in range(2)]
            for on in (False, True)
        )
    assert torch.equal(*still)
    assert not torch.allclose(*drawn, atol=1e-3)
