import pytest
import torch
from attrs import evolve, frozen
from torch import nn

from mtlkit.builtin.heads.tower import Tower, sizes


@frozen
class Options:
    hidden: object = 0
    activation: str = "gelu"
    dropout: float = 0.0


def test_without_hidden_layers_it_is_a_linear_layer():
    tower = Tower(Options(), 4, 3)
    vectors = torch.randn(2, 5, 4)
    torch.testing.assert_close(tower(vectors), vectors @ tower.output.weight.T + tower.output.bias)
    assert [name for name, _ in Tower(Options(), 4, 3, bias=False).named_parameters()] == ["output.weight"]


@pytest.mark.parametrize(
    ("name", "module"), [("gelu", nn.GELU), ("relu", nn.ReLU), ("silu", nn.SiLU), ("tanh", nn.Tanh)]
)
def test_it_is_the_same_as_torchs_layers_in_a_row(name, module):
    tower = Tower(Options((6, 5), name), 4, 3)
    first, second = tower.hidden
    row = nn.Sequential(first, module(), second, module(), tower.output)
    vectors = torch.randn(7, 4)
    torch.testing.assert_close(tower(vectors), row(vectors))
    assert [tuple(layer.weight.shape) for layer in (first, second, tower.output)] == [(6, 4), (5, 6), (3, 5)]


def test_dropout_stands_before_every_layer():
    tower = Tower(evolve(Options(8), dropout=0.5), 4, 3).train()
    vectors = torch.ones(1, 4).expand(400, 4)
    assert len(tower(vectors).unique(dim=0)) > 200
    assert len(tower.eval()(vectors).unique(dim=0)) == 1


def test_sizes():
    assert [sizes(0), sizes(7), sizes((5, 3)), sizes(())] == [(), (7,), (5, 3), ()]
