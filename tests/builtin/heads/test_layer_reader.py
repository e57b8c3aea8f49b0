import pytest
import torch

from mtlkit.builtin.heads.layer_reader import LayerReader, ScalarMix
from mtlkit.contracts.backbone import Features
from mtlkit.contracts.head import HeadContext
from mtlkit.errors import RecipeError

CONTEXT = HeadContext("mood", 3, (), depth=2)


def features():
    """Two rows of 2 and 3 tokens; what masked places hold may never matter."""
    mask = torch.tensor([[True, True, False], [True, True, True]])
    states = {
        depth: torch.randn(2, 3, 3).masked_fill(~mask.unsqueeze(-1), float("nan")) for depth in range(3)
    }
    return Features(states[2] + 1, mask, torch.full((2, 3), -1), layers=states)


def test_the_last_layer_is_what_the_backbone_yields():
    reader, read = LayerReader("last", CONTEXT), features()
    assert (reader.depths, reader.size, list(reader.parameters())) == ((), 3, [])
    torch.testing.assert_close(reader(read), torch.nan_to_num(read.tokens, nan=0.0))


def test_listed_layers_stand_side_by_side():
    reader, read = LayerReader((-1, 0), CONTEXT), features()
    assert (reader.depths, reader.size) == ((2, 0), 6)
    wanted = torch.cat([read.layers[2], read.layers[0]], -1)
    torch.testing.assert_close(reader(read), torch.nan_to_num(wanted, nan=0.0))


def test_a_mix_starts_as_the_mean_and_follows_its_weights():
    reader, read = LayerReader("mix", CONTEXT), features()
    assert (reader.depths, reader.size) == ((0, 1, 2), 3)
    layers = torch.nan_to_num(torch.stack([read.layers[depth] for depth in range(3)]), nan=0.0)
    torch.testing.assert_close(reader(read), layers.mean(0))
    with torch.no_grad():
        reader.mix.weights.copy_(torch.tensor([1.0, 2.0, 5.0]).log())
        reader.mix.gamma.fill_(2.0)
    torch.testing.assert_close(reader(read), (layers[0] + 2 * layers[1] + 5 * layers[2]) / 4)
    reader(read).sum().backward()
    assert all(torch.isfinite(weight.grad).all() for weight in reader.parameters())


def test_the_gradient_of_a_mix_is_its_slope():
    mix = ScalarMix(3).double()
    states = [torch.randn(2, 2, dtype=torch.float64, requires_grad=True) for _ in range(3)]

    def mixed(weights, gamma, *layers):
        return torch.func.functional_call(mix, {"weights": weights, "gamma": gamma}, (layers,))

    assert torch.autograd.gradcheck(mixed, (mix.weights, mix.gamma, *states))


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        (
            (1, 3),
            "tasks.mood.head.layers  the backbone has no layer of depth 3  "
            "0 is the embeddings, 1 to 2 are its blocks, -1 is the top one",
        ),
        (
            (1, -2),
            "tasks.mood.head.layers  of the layers [1, -2] two are the same one of the backbone's 3  "
            "list each depth once",
        ),
    ],
)
def test_layers_that_are_wrong(layers, message):
    with pytest.raises(RecipeError) as caught:
        LayerReader(layers, CONTEXT)
    assert str(caught.value) == message
