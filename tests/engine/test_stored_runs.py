"""Runs find what earlier runs stored, by content alone; warm, cold, evicted, damaged or deleted: the same bytes."""

import shutil

import pytest
import torch
from engine_recipes import final_bytes, run_recipe, write_recipe

import mtlkit
from mtlkit.engine import store
from mtlkit.engine.identity import identity
from mtlkit.engine.shelf_file import VALUES
from mtlkit.engine.shelves import folder, kept

FREEZES = {
    "backbone": '[freeze]\nuse = "backbone"\n',
    "block": '[freeze]\nuse = "bottom-layers"\nlayers = 1\n',
    "thawing": (
        '[freeze]\nuse = "phases"\nphases = [{ until = "1ep", freeze = ["backbone"] }, '
        '{ until = "2ep", freeze = ["embeddings", "blocks[0]"] }, { until = "3ep", freeze = ["heads"] }, '
        '{ freeze = ["backbone"] }]\n'
    ),
}
SELECTING = '\n[selection]\nmetric = "sentiment/accuracy"\n'


@pytest.fixture
def computed(monkeypatch, tmp_path):
    """Counts the chunks that are computed, with a store of the test's own."""
    monkeypatch.setenv("MTLKIT_CACHE", str(tmp_path / "cache"))
    chunks = []
    keep = store.Store._keep
    monkeypatch.setattr(store.Store, "_keep", lambda *given: chunks.append(given[2]) or keep(*given))
    return chunks


@pytest.mark.parametrize("freeze", FREEZES.values(), ids=FREEZES.keys())
def test_a_later_run_computes_nothing_again_and_ends_in_the_same_bytes(tmp_path, freeze, computed):
    recipe = write_recipe(tmp_path, freeze=freeze, length="4ep", dropout=0.3, training=SELECTING)
    cold, _ = run_recipe(recipe)
    assert computed
    assert list(kept(folder()))
    computed.clear()
    warm, _ = run_recipe(recipe)
    assert not computed
    for shelf in kept(folder()):
        content = bytearray((shelf.folder / VALUES).read_bytes())
        content[len(content) // 2] ^= 4
        (shelf.folder / VALUES).write_bytes(content)
    damaged, _ = run_recipe(recipe)
    assert computed
    shutil.rmtree(folder())
    deleted, _ = run_recipe(recipe)
    small, _ = run_recipe(recipe, ["training.store.max_bytes=3000"])
    assert sum(shelf.size for shelf in kept(folder())) <= 3000
    off, _ = run_recipe(recipe, ["training.store.max_bytes=0"])
    for run in (warm, damaged, deleted, small, off):
        assert final_bytes(run) == final_bytes(cold)


def features_kept():
    """The shelves of features, without those of tokens."""
    return [shelf for shelf in kept(folder()) if not shelf.words.startswith("tokens of ")]


@pytest.mark.parametrize(
    "change",
    [
        "seed=4",
        "data.reviews.limit.train=20",
        "backbone.max_length=9",
        "training.precision=bf16",
        "backbone.blocks=1",
    ],
)
def test_what_features_depend_on_leads_to_another_place(tmp_path, computed, change):
    recipe = write_recipe(tmp_path, freeze=FREEZES["backbone"], length="2ep", more="")
    run_recipe(recipe)
    before = {shelf.folder.name for shelf in features_kept()}
    run_recipe(recipe, [change])
    after = {shelf.folder.name for shelf in features_kept()} - before
    assert len(after) >= 1
    train = [shelf for shelf in features_kept() if "train" in shelf.words]
    assert len(train) == 2


@pytest.mark.parametrize(
    "change",
    [
        "lr.heads=0.5",
        "tasks.sentiment.weight=2.0",
        "optimizer.use=sgd",
        "training.length=3ep",
        "training.batch_size=8",
    ],
)
def test_what_features_do_not_depend_on_leads_to_the_same_place(tmp_path, computed, change):
    recipe = write_recipe(tmp_path, freeze=FREEZES["backbone"], length="2ep", more="")
    run_recipe(recipe)
    computed.clear()
    run_recipe(recipe, [change])
    assert not computed


def test_features_of_other_modules_lie_elsewhere(tmp_path):
    plan = mtlkit.plan(mtlkit.load(write_recipe(tmp_path, more="")))
    told = {identity(plan, torch.nn.Dropout(rate), torch.device("cpu")) for rate in (0.1, 0.2, 0.2)}
    assert len(told) == 2
