"""Compiled blocks give what others give, whatever came before, with the same random numbers.

All but the code generator of the compiler is tried here, which takes minutes: `aot_eager` runs the program as it
was recorded.
"""

from functools import partial

import pytest
import torch
from model_folders import write_model

from mtlkit.builtin.backbones import compiling, transformer
from mtlkit.builtin.backbones.compiling import compile_all, compiler
from mtlkit.builtin.backbones.options import Transformer
from mtlkit.builtin.backbones.transformer import TransformerBackbone
from mtlkit.contracts.place import Place

LETTERS = "abcdefghijklmnop"


def rows(count, tokens):
    return [(" ".join(LETTERS[(row + at) % 16] for at in range(tokens)),) for row in range(count)]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = write_model(tmp_path_factory.mktemp("model"), "bert")

    def backbone(**options):
        told = {"max_length": 16, "fast": "off", **options}
        return TransformerBackbone(Transformer(Place(str(folder)), **told))

    return backbone


def pair(made, again):
    compiled = made(checkpoint_blocks=again)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(transformer, "compile_all", partial(compile_all, backend="aot_eager"))
        compiled.compile_blocks()
    return made(), compiled


def outcome(backbone, texts, depth=None):
    backbone.train()
    backbone.zero_grad()
    torch.manual_seed(3)
    batch = backbone.collate(backbone.prepare(texts))
    if depth is None:
        states = backbone(batch).tokens
    else:
        with torch.no_grad():
            below = backbone.stem(batch, depth)
        states = backbone.tail(below, batch, depth).tokens
    states[batch.mask].square().mean().backward()
    return states.detach(), {name: each.grad for name, each in backbone.named_parameters()}, torch.rand(2)


@pytest.mark.filterwarnings(
    "ignore:The .grad attribute of a Tensor:UserWarning"
)  # torch's own look at inputs
@pytest.mark.parametrize(("again", "depth"), [(False, 1), (True, None)], ids=["kept", "computed again"])
def test_states_gradients_and_random_numbers_are_the_same(made, again, depth):
    both = pair(made, again)
    if depth:
        for backbone in both:
            for name, weight in backbone.named_parameters():
                weight.requires_grad_(backbone.place(name)[1] > depth)
    for count, tokens in ((4, 6), (8, 6), (3, 3)):
        one, two = (outcome(backbone, rows(count, tokens), depth) for backbone in both)
        torch.testing.assert_close(two[0], one[0], rtol=0, atol=1e-6)
        assert torch.equal(one[2], two[2])
        assert one[1].keys() == two[1].keys()
        for name, gradient in one[1].items():
            assert (gradient is None) == (two[1][name] is None)
            if gradient is not None:
                torch.testing.assert_close(two[1][name], gradient, rtol=0, atol=1e-6)


def test_a_backbone_says_why_it_is_not_compiled(made, monkeypatch):
    assert made(fast="auto").uncompiled().startswith("rows are packed")
    monkeypatch.setattr(transformer, "compiler", lambda: "")
    assert made().uncompiled() == "there is no C++ compiler"
    monkeypatch.setattr(transformer, "compiler", lambda: "c++ 12")
    assert made().uncompiled() == ""


def test_what_compiles_is_looked_for(monkeypatch):
    from torch._inductor import cpp_builder
    from torch._inductor.exc import InvalidCxxCompiler

    def none():
        raise InvalidCxxCompiler

    monkeypatch.setattr(cpp_builder, "get_cpp_compiler", none)
    assert compiler() == ""
    monkeypatch.setattr(cpp_builder, "get_cpp_compiler", lambda: "c++")
    monkeypatch.setattr(cpp_builder, "get_compiler_version_info", lambda found: f"{found} 12\nmore")
    assert compiler() == "c++ 12"
    assert compiling.MOST_PROGRAMS > 8
