"""A model laid out from its description is the model, but that it is not loaded until it computes."""

import json

import pytest
import torch
from model_folders import CONFIGS, FAMILY_CONFIGS, write_model
from safetensors.torch import load_file, save_file

from mtlkit.builtin.backbones.adapter_options import Lora
from mtlkit.builtin.backbones.options import Transformer
from mtlkit.builtin.backbones.transformer import TransformerBackbone
from mtlkit.contracts.backbone import Deferrable
from mtlkit.contracts.place import Place
from mtlkit.engine.apply import eval_mode
from mtlkit.errors import ResourceError

KINDS = [*CONFIGS, *FAMILY_CONFIGS]
ROWS = [("abc d",), ("a b c d e f",), ("p",)]
META = torch.device("meta")


def options_of(folder, **told):
    return Transformer(Place(str(folder)), **{"max_length": 12, **told})


def described(backbone):
    """As it is read from a file of JSON."""
    return json.loads(json.dumps(backbone.description()))


def features(backbone):
    batch = backbone.collate(backbone.prepare(ROWS))
    torch.manual_seed(1)
    return backbone(batch).tokens


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_laid_out_is_what_would_be_loaded(tmp_path, kind):
    options = options_of(write_model(tmp_path, kind))
    loaded = TransformerBackbone(options)
    told = described(loaded)
    laid = options.described(told, True)
    assert isinstance(laid, Deferrable)
    assert (laid.deferred, loaded.deferred) == (True, False)
    theirs, ours = dict(loaded.named_parameters()), dict(laid.named_parameters())
    assert list(ours) == list(theirs)
    assert all(weight.device == META for weight in ours.values())
    for name, weight in theirs.items():
        assert ours[name].shape == weight.shape
        assert laid.place(name) == loaded.place(name)
        assert b"".join(laid.content(name)) == weight.detach().numpy().tobytes()
    buffers = dict(loaded.named_buffers())
    assert dict(laid.named_buffers()).keys() == buffers.keys()
    assert all(torch.equal(buffer, buffers[name]) for name, buffer in laid.named_buffers())
    for what in ("depth", "hidden_size", "ragged"):
        assert getattr(laid, what) == getattr(loaded, what)
    for what in ("note", "fingerprint", "adapters", "uncompiled"):
        assert getattr(laid, what)() == getattr(loaded, what)()
    known, table = laid.vocabulary(), loaded.vocabulary()
    assert (known.size, known.special, known.mask) == (table.size, table.special, table.mask)
    assert known.table.shape == table.table.shape
    assert laid.flat() == loaded.flat()
    assert laid.deferred


@pytest.mark.parametrize("kind", KINDS)
def test_what_computes_is_loaded_first_and_keeps_its_parameters(tmp_path, kind):
    options = options_of(write_model(tmp_path, kind))
    loaded = TransformerBackbone(options)
    laid = options.described(described(loaded), True)
    objects = dict(laid.named_parameters())
    for number, weight in enumerate(objects.values()):
        weight.requires_grad_(number % 2 == 0)
    assert torch.equal(features(laid), features(loaded))
    assert not laid.deferred
    for name, weight in laid.named_parameters():
        assert weight is objects[name]
        assert torch.equal(weight, loaded.get_parameter(name))
        assert weight.requires_grad == (list(objects).index(name) % 2 == 0)
    assert laid.description() == loaded.description()


def test_parts_that_were_in_eval_mode_are_so_when_they_are_loaded(tmp_path):
    options = options_of(write_model(tmp_path, "bert"))
    laid = options.described(described(TransformerBackbone(options)), True)
    still = laid.get_submodule("encoder.layer.0.output")
    still.eval()
    laid.materialize()
    assert laid.get_submodule("encoder.layer.0.output") is not still
    assert not laid.get_submodule("encoder.layer.0.output").training
    assert laid.get_submodule("encoder.layer.1.output").training
    assert laid.training


def test_weights_with_the_same_numbers_are_told_apart_and_one_with_two_names_is_not_described(tmp_path):
    options = options_of(write_model(tmp_path, "bert"))
    file = tmp_path / "model.safetensors"
    zeros = {
        name: torch.zeros_like(weight) if name.endswith("bias") else weight
        for name, weight in load_file(file).items()
    }
    save_file(zeros, file, {"format": "pt"})
    loaded = TransformerBackbone(options)
    laid = options.described(described(loaded), True)
    assert torch.equal(features(laid), features(loaded))
    first, second = (loaded.get_submodule(f"encoder.layer.{at}.output.dense") for at in (0, 1))
    second.bias = first.bias
    assert loaded.description() is None


def test_what_is_loaded_inside_eval_mode_is_in_train_mode_behind_it(tmp_path):
    options = options_of(write_model(tmp_path, "bert"))
    laid = options.described(described(TransformerBackbone(options)), True)
    with eval_mode(laid):
        assert not laid.deferred
        assert not any(part.training for part in laid.modules())
    assert all(part.training for part in laid.modules())


@pytest.mark.parametrize("changed", ["config", "weights", "nothing"])
@pytest.mark.parametrize("pretrained", [True, False])
def test_other_files_are_not_what_was_described(tmp_path, changed, pretrained):
    options = options_of(write_model(tmp_path, "bert"))
    told = described(TransformerBackbone(options))
    if changed == "config":
        config = json.loads((tmp_path / "config.json").read_text())
        (tmp_path / "config.json").write_text(json.dumps({**config, "layer_norm_eps": 1e-6}))
    if changed == "weights":
        file = tmp_path / "model.safetensors"
        content = bytearray(file.read_bytes())
        content[-1] ^= 1
        file.write_bytes(content)
    same = changed == "nothing" or (changed == "weights" and not pretrained)
    assert (options.described(told, pretrained) is not None) == same


def test_files_that_are_gone_are_other_files(tmp_path):
    options = options_of(write_model(tmp_path, "bert"))
    told = described(TransformerBackbone(options))
    (tmp_path / "model.safetensors").unlink()
    assert options.described(told, True) is None


@pytest.mark.parametrize("told", [{}, {"anatomy": 1}, {"anatomy": {}, "weights": 3}])
def test_what_is_no_description_lays_nothing_out(tmp_path, told):
    assert options_of(write_model(tmp_path, "bert")).described(told, True) is None


def test_weights_that_are_not_those_of_the_files_can_not_be_described(tmp_path):
    options = options_of(write_model(tmp_path, "bert"))
    changed = TransformerBackbone(options)
    with torch.no_grad():
        changed.get_parameter("encoder.layer.1.output.dense.bias")[0] += 1
    assert changed.description() is None
    assert TransformerBackbone(options_of(tmp_path, reinit_top=1)).description() is None
    assert TransformerBackbone(options_of(tmp_path, lora=Lora())).description() is None
    file = tmp_path / "model.safetensors"
    save_file({name: weight.half() for name, weight in load_file(file).items()}, file, {"format": "pt"})
    assert TransformerBackbone(options).description() is None


def test_a_model_that_has_become_another_is_not_loaded_into_the_old_layout(tmp_path):
    options = options_of(write_model(tmp_path, "bert"))
    laid = options.described(described(TransformerBackbone(options)), True)
    laid.get_submodule("encoder").add_module("more", torch.nn.Linear(2, 2, device="meta"))
    with pytest.raises(ResourceError) as caught:
        laid.materialize()
    assert str(caught.value) == f"{tmp_path} has become another model  start the run again"


def test_content_that_is_asked_of_a_loaded_model_is_nothing(tmp_path):
    loaded = TransformerBackbone(options_of(write_model(tmp_path, "bert")))
    assert b"".join(loaded.content("embeddings.LayerNorm.bias")) == b""
