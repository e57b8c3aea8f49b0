"""Exact resume where more than weights has a memory: adapters, fitted heads, changed rows, whole steps, the store."""

import shutil

import pytest
from engine_recipes import write_data
from model_folders import write_model
from twins import go_on_from, reference, reference_of

from mtlkit.engine.cache import Cache

ADAPTED = """
name = "adapted"
seed = 2
freeze = [{ use = "adapters-only" }]

[backbone]
use = "transformer"
path = "model"
max_length = 12
lora = { rank = 2, alpha = 4, dropout = 0.1, targets = ["query", "value"] }

[data.letters]
use = "csv"
path = "reviews.csv"
split = { test = 0.2, validation = 0.2 }

[tasks.first]
data = "letters"
head = { use = "sequence-classification", text = "text", label = "label" }

[training]
length = "8st"
batch_size = 16
"""
HEADS = {
    "masked-lm": '{ use = "masked-lm", text = "text" }',
    "probe": '{ use = "probe", text = "text", label = "label" }',
    "prototype": '{ use = "prototype", text = "text", label = "label" }',
}


def test_adapters(tmp_path):
    pytest.importorskip("peft")
    write_model(tmp_path / "model", "bert")
    write_data(tmp_path)
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(ADAPTED)
    run = reference_of(recipe, last=5)
    for step in (1, 4):
        go_on_from(run, step, tmp_path)


@pytest.mark.parametrize("head", HEADS)
def test_heads(tmp_path, head):
    more = f'[tasks.more]\ndata = "reviews"\nhead = {HEADS[head]}\n'
    run = reference(tmp_path, ["training.length=8st"], last=5, more=more)
    for step in (1, 4):
        go_on_from(run, step, tmp_path)


def test_a_store_that_is_warm_cold_or_deleted_changes_no_byte(tmp_path, monkeypatch):
    monkeypatch.setenv("MTLKIT_CACHE", str(tmp_path / "cache"))
    freeze = '[freeze]\nuse = "phases"\nphases = [{ until = "3st", freeze = ["backbone"] }, { freeze = ["embeddings", "blocks[0]"] }]\n'
    run = reference(tmp_path, freeze=freeze, last=6)
    assert list((tmp_path / "cache").rglob("*"))
    for step in (2, 4):
        go_on_from(run, step, tmp_path)  # warm
    for step in (2, 3, 4):
        shutil.rmtree(tmp_path / "cache")
        go_on_from(run, step, tmp_path)
    monkeypatch.setattr(Cache, "make", lambda *_: (_ for _ in ()).throw(OSError("no room")))
    shutil.rmtree(tmp_path / "cache", ignore_errors=True)
    go_on_from(run, 2, tmp_path)
