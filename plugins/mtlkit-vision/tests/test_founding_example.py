"""Freeze the early stages of a pre-trained convolutional network, train the late ones: on real digits.

A network learns the digits 0 to 4; the digits 5 to 9, which it has never seen, are then learned with its
early stages frozen, and with nothing frozen.
"""

import shutil

import pytest
import torch
import transformers
from models import save_model
from recipes import run

from mtlkit_vision.families import tiny_config

HALF = {"size": {"height": 32, "width": 32}, "image_mean": [0.5] * 3, "image_std": [0.5] * 3}
EARLY = ("backbone.model.embedder.", "backbone.model.encoder.stages.0.")
STATISTICS = ("running_mean", "running_var", "num_batches_tracked")
MAJORITY = 0.25


def some(digits, folder, labels):
    for split in ("train", "test"):
        for label in labels:
            shutil.copytree(digits / split / str(label), folder / split / str(label))
    return folder


@pytest.fixture(scope="module")
def others(digits, tmp_path_factory):
    return some(digits, tmp_path_factory.mktemp("others"), range(5, 10))


@pytest.fixture(scope="module")
def pretrained(digits, tmp_path_factory):
    """The folder of a network that knows the digits 0 to 4, and its weights and buffers by name."""
    folder = tmp_path_factory.mktemp("pretrained")
    data = some(digits, folder / "data", range(5))
    result, weights = run(folder, data, backbone='model = "tiny-resnet"')
    assert result.metrics["digit/accuracy"].value > 0.9
    model = transformers.ResNetModel(tiny_config("tiny-resnet", 32))
    prefix = "backbone.model."
    kept = {name.removeprefix(prefix): value for name, value in weights.items() if name.startswith(prefix)}
    assert not model.load_state_dict(kept).missing_keys
    return save_model(model, folder / "model", HALF), {prefix + name: value for name, value in kept.items()}


def majority(data):
    sizes = [len(list(folder.iterdir())) for folder in (data / "test").iterdir()]
    return max(sizes) / sum(sizes)


def moved(before, after):
    """Names whose values differ by any bit."""
    assert before.keys() <= after.keys()
    return {name for name, value in before.items() if not torch.equal(value, after[name])}


def test_early_stages_stay_and_late_ones_learn_new_digits(tmp_path, others, pretrained):
    folder, before = pretrained
    freeze = 'use = "bottom-layers"\nlayers = 1'
    result, after = run(tmp_path, others, backbone=f'path = "{folder}"', freeze=freeze)
    early = {name for name in before if name.startswith(EARLY)}
    statistics = {name for name in early if name.endswith(STATISTICS)}
    assert (len(early), len(statistics)) == (18, 9)
    assert moved(before, after) == set(before) - early
    assert result.frozen == "unchanged"
    assert majority(others) < MAJORITY
    assert result.metrics["digit/accuracy"].value > 0.95


def test_with_nothing_frozen_all_weights_and_statistics_move(tmp_path, others, pretrained):
    folder, before = pretrained
    result, after = run(tmp_path, others, backbone=f'path = "{folder}"')
    assert moved(before, after) == set(before)
    assert result.metrics["digit/accuracy"].value > 0.95


def test_a_frozen_network_is_encoded_once_and_its_head_beats_the_majority(tmp_path, others, pretrained):
    folder, before = pretrained
    result, after = run(tmp_path, others, backbone=f'path = "{folder}"', freeze='use = "backbone"')
    assert moved(before, after) == set()
    assert result.metrics["digit/accuracy"].value > majority(others) + 0.3


def test_a_vision_transformer_with_a_frozen_block_learns_from_stored_states(tmp_path, others):
    freeze = 'use = "bottom-layers"\nlayers = 1'
    result, _ = run(tmp_path, others, backbone='model = "tiny-vit"', freeze=freeze)
    assert result.frozen == "unchanged"
    assert result.metrics["digit/accuracy"].value > majority(others) + 0.2


def test_the_same_recipe_gives_the_same_bits(tmp_path, others):
    runs = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        runs.append(run(tmp_path / name, others, backbone='model = "tiny-resnet"', length="5st")[1])
    assert len(runs[0]) > 50
    assert moved(*runs) == set()
