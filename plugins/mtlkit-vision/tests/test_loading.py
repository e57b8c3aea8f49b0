"""A model folder is data: what is missing, foreign or asks for code is refused by name."""

import json

import mtlkit
import pytest
from models import save
from safetensors.torch import load_file, save_file

from mtlkit_vision.encoder import build
from mtlkit_vision.options import ImageEncoder


@pytest.fixture
def vit(tmp_path):
    return save("vit", tmp_path / "vit")


@pytest.fixture
def resnet(tmp_path):
    return save("resnet", tmp_path / "resnet")


def change(file, **values):
    file.write_text(json.dumps({**json.loads(file.read_text()), **values}))


def built(folder, **options):
    return build(ImageEncoder(path=mtlkit.Place(str(folder)), **options))


@pytest.mark.parametrize(
    "key",
    [
        {"auto_map": {"AutoModel": "code.Model"}},
        {"_attn_implementation": "a/kernel"},
        {"x": [{"auto_map": 1}]},
    ],
)
def test_a_configuration_that_asks_for_code_is_refused(vit, key):
    (vit / "code.py").write_text("raise SystemExit('code was run')")
    change(vit / "config.json", **key)
    with pytest.raises(mtlkit.ResourceError, match="can name code to run"):
        built(vit)


def test_weights_that_are_not_safetensors_are_not_read(vit):
    (vit / "model.safetensors").rename(vit / "pytorch_model.bin")
    with pytest.raises(mtlkit.ResourceError, match="can't be loaded"):
        built(vit)


def test_damaged_weights_are_refused(vit):
    weights = vit / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:100])
    with pytest.raises(mtlkit.ResourceError, match="can't be loaded"):
        built(vit)


def test_incomplete_weights_are_refused_by_name(resnet):
    weights = load_file(resnet / "model.safetensors")
    name = next(name for name in weights if name.endswith("running_mean"))
    del weights[name]
    save_file(weights, resnet / "model.safetensors", {"format": "pt"})
    with pytest.raises(mtlkit.ResourceError, match=f"lack 1 of the model's: {name}"):
        built(resnet)


def test_weights_of_a_classifier_are_read_without_its_head(resnet):
    weights = {f"resnet.{name}": value for name, value in load_file(resnet / "model.safetensors").items()}
    weights["classifier.1.weight"] = next(iter(weights.values())).clone()
    save_file(weights, resnet / "model.safetensors", {"format": "pt"})
    state = built(resnet).model.state_dict()
    assert len(state) == len(weights) - 1
    del weights["classifier.1.weight"]
    assert all((state[name.removeprefix("resnet.")] == value).all() for name, value in weights.items())


@pytest.mark.parametrize(
    ("file", "values", "message"),
    [
        ("config.json", {"model_type": "bert"}, "of the kind 'bert'.*knows convnext"),
        ("config.json", {"num_channels": 1}, "images of 1 channels"),
        ("config.json", {"hidden_size": "wide"}, "can't be loaded"),
        ("preprocessor_config.json", {"rescale_factor": 1.0}, "scale other than 0 to 1"),
        ("preprocessor_config.json", {"do_rescale": False}, "scale other than 0 to 1"),
        ("preprocessor_config.json", {"image_mean": [0.5]}, "no image_mean of 3 numbers.*`mean`"),
        ("preprocessor_config.json", {"image_std": [0.5, 0, 1]}, "not above 0"),
    ],
)
def test_what_a_folder_says_wrong_is_named(vit, file, values, message):
    change(vit / file, **values)
    with pytest.raises(mtlkit.ResourceError, match=message):
        built(vit)


@pytest.mark.parametrize("text", ["", "[]", "{", "\0"])
def test_a_configuration_that_is_not_json_is_named(vit, text):
    (vit / "config.json").write_text(text)
    with pytest.raises(mtlkit.ResourceError, match=r"config\.json.*is not "):
        built(vit)


def test_places_that_hold_no_model_are_named(tmp_path):
    with pytest.raises(mtlkit.ResourceError, match="does not exist"):
        built(tmp_path / "nowhere")
    (tmp_path / "file").write_text("x")
    with pytest.raises(mtlkit.ResourceError, match="is not a folder"):
        built(tmp_path / "file")
    with pytest.raises(mtlkit.ResourceError, match=r"config\.json.*can't be read"):
        built(tmp_path)


def test_a_folder_without_a_preprocessor_needs_the_recipe_to_say_it(resnet):
    (resnet / "preprocessor_config.json").unlink()
    with pytest.raises(mtlkit.ResourceError, match="give `size`"):
        built(resnet)
    with pytest.raises(mtlkit.ResourceError, match="give `mean`"):
        built(resnet, size=24)
    assert built(resnet, size=24, mean=(0.1, 0.2, 0.3), std=(1.0, 1.0, 1.0)).depth == 3


def test_a_transformer_reads_no_other_size_than_its_own(vit):
    assert built(vit, size=24).depth == 3
    with pytest.raises(mtlkit.RecipeError, match="24 × 24 pixels, not of size 32"):
        built(vit, size=32)


def test_a_network_reads_the_size_asked_for(resnet):
    assert built(resnet).prepare([]) == []
    sizes = {size: built(resnet, size=size)._parts.reader.tokens for size in (24, 64)}
    assert sizes == {24: 4, 64: 16}


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ({"height": 40, "width": 20}, (40, 20)),
        ({"shortest_edge": 48}, (48, 48)),
        (36, (36, 36)),
        ([24, 28], (24, 28)),
    ],
)
def test_sizes_are_read_in_all_their_forms(resnet, size, expected):
    change(resnet / "preprocessor_config.json", size=size)
    assert built(resnet)._parts.reader.preprocessing.size == expected
    change(resnet / "preprocessor_config.json", do_center_crop=True, crop_size=32)
    assert built(resnet)._parts.reader.preprocessing.size == (32, 32)


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"path": mtlkit.Place("x"), "model": "tiny-vit"},
        {"model": "tiny-vit", "size": 20},
    ],
)
def test_options_that_contradict_each_other_are_refused(values):
    with pytest.raises(ValueError, match=r"either `path`|multiple of 8"):
        ImageEncoder(**values)
