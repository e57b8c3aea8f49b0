import pytest
import torch
from model_folders import LAYERS, write_model

from mtlkit.builtin.backbones.options import Transformer
from mtlkit.builtin.backbones.transformer import TransformerBackbone
from mtlkit.contracts.place import Place
from mtlkit.errors import RecipeError

KINDS = ("bert", "distilbert", "modernbert", "deberta-v2")


def weights(folder, seed=0, pretrained=True, **options):
    torch.manual_seed(seed)
    made = TransformerBackbone(Transformer(Place(str(folder)), max_length=16, **options), pretrained)
    return made, {name: weight.detach().clone() for name, weight in made.named_parameters()}


@pytest.mark.parametrize("kind", KINDS)
def test_the_topmost_blocks_are_those_of_a_new_model_and_the_rest_is_as_loaded(tmp_path, kind):
    folder = write_model(tmp_path, kind)
    _, loaded = weights(folder)
    for count in range(LAYERS + 1):
        backbone, found = weights(folder, 5, reinit_top=count)
        _, new = weights(folder, 5, pretrained=False)
        tops = range(LAYERS + 1 - count, LAYERS + 1)
        above = {
            name
            for name in found
            if name.startswith(f"{backbone._anatomy.path}.") and backbone.place(name)[1] in tops
        }
        assert {backbone.place(name)[1] for name in above} == set(tops)
        for name, weight in found.items():
            assert torch.equal(weight, (new if name in above else loaded)[name]), (count, name)
            assert torch.equal(new[name], loaded[name]) is False, name


def test_new_blocks_are_random_by_the_global_seed_alone(tmp_path):
    folder = write_model(tmp_path, "bert")
    (_, one), (_, same), (_, other) = (weights(folder, seed, reinit_top=1) for seed in (1, 1, 2))
    assert all(torch.equal(one[name], same[name]) for name in one)
    changed = {name for name in one if not torch.equal(one[name], other[name])}
    top = f"encoder.layer.{LAYERS - 1}."
    assert changed == {
        n
        for n in one
        if n.startswith(top) and n.endswith(("dense.weight", "query.weight", "key.weight", "value.weight"))
    }
    assert len(changed) == 6


def test_a_model_with_fewer_blocks_is_refused_in_the_plan_too(tmp_path):
    folder = write_model(tmp_path, "bert")
    for pretrained in (True, False):
        with pytest.raises(RecipeError) as caught:
            weights(folder, pretrained=pretrained, reinit_top=LAYERS + 1)
        message = f"reinit_top {LAYERS + 1} is more than the {LAYERS} blocks of {folder}"
        assert str(caught.value) == f"backbone.reinit_top  {message}  at most {LAYERS}"


def test_adapters_of_new_blocks_start_as_nothing(tmp_path):
    pytest.importorskip("peft")
    from mtlkit.builtin.backbones.adapter_options import Lora

    folder = write_model(tmp_path, "bert")
    (plain, _), (adapted, _) = (weights(folder, 4, reinit_top=2, lora=each) for each in (None, Lora()))
    batch = plain.collate(plain.prepare([("abc de f",), ("a",)]))
    assert torch.equal(plain.eval()(batch).tokens, adapted.eval()(batch).tokens)
