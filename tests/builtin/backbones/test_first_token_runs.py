"""Runs whose heads read first tokens alone end where those that compute all tokens end, up to rounding."""

import csv

import pytest
import torch
from model_folders import write_model
from safetensors.torch import load_file

import mtlkit
from mtlkit.builtin.backbones import transformer
from mtlkit.engine import features

RECIPE = """
name = "first"
seed = 4

[backbone]
use = "transformer"
path = "model"
max_length = 12

[data.letters]
use = "csv"
path = "letters.csv"
split = {{ test = 0.25 }}

[tasks.letters]
data = "letters"
head = {{ use = "sequence-classification", pooling = "cls", dropout = 0 }}
{more}
[freeze]
use = "bottom-layers"
layers = {frozen}

[lr]
use = "uniform"
peak = 1e-3

[optimizer]
use = "sgd"
momentum = 0.9

[training]
length = "2ep"
batch_size = 8
"""
TOKENS = """
[tasks.tokens]
data = "letters"
head = { use = "sequence-classification", pooling = "mean", dropout = 0 }
"""


@pytest.fixture
def folder(tmp_path):
    model = write_model(tmp_path / "model", "bert")
    config = (model / "config.json").read_text().replace('_dropout_prob": 0.1', '_dropout_prob": 0.0')
    (model / "config.json").write_text(config)
    with (tmp_path / "letters.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["text", "label"])
        rows.writerows([" ".join("abcdefgh"[: 1 + row % 8]), "xy"[row % 2]] for row in range(40))
    return tmp_path


@pytest.fixture
def taken(monkeypatch):
    """How often the last block was asked for first tokens alone."""
    calls = []
    run = transformer.first_tokens_of
    monkeypatch.setattr(transformer, "first_tokens_of", lambda *given: calls.append(1) or run(*given))
    return calls


def weights(folder, overrides=(), **changes):
    recipe = folder / "recipe.toml"
    recipe.write_text(RECIPE.format(**{"more": "", "frozen": 1, **changes}))
    result = mtlkit.run(mtlkit.plan(mtlkit.load(recipe, overrides)), folder / "runs")
    return load_file(result.run_dir / "checkpoints" / f"step-{result.steps:08d}" / "weights.safetensors")


def check_near(ours, theirs):
    assert ours.keys() == theirs.keys()
    assert len(ours) > 10
    for name, weight in ours.items():
        torch.testing.assert_close(weight, theirs[name], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("frozen", [0, 1, 2])
def test_weights_end_where_all_tokens_would_take_them(folder, monkeypatch, taken, frozen):
    alone = weights(folder, frozen=frozen)
    assert taken
    unstored = weights(folder, ["training.store.max_bytes=0"], frozen=frozen)
    monkeypatch.setattr(features.Need, "first_alone", False)
    taken.clear()
    check_near(alone, weights(folder, frozen=frozen))
    assert not taken
    check_near(alone, unstored)


def test_where_a_head_reads_all_tokens_of_the_view_all_are_computed(folder, taken):
    weights(folder, more=TOKENS)
    assert not taken
