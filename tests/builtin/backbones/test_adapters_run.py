"""Runs of recipes with adapters: what is frozen, what trains, how fast, and what a checkpoint holds."""

import pytest
import torch
from model_folders import LAYERS, write_model
from safetensors.torch import load_file

import mtlkit
from mtlkit.api import preview
from mtlkit.engine.apply import Handles
from mtlkit.engine.build import build, read_data
from mtlkit.engine.checkpoint import load_weights
from mtlkit.engine.features import boundary
from mtlkit.engine.snapshot import tensors

pytest.importorskip("peft")

RECIPE = """
name = "adapted"
seed = 2

[backbone]
use = "transformer"
path = "model"
max_length = 12
{backbone}

[data.letters]
use = "csv"
path = "letters.csv"
split = {{ test = 0.2 }}

[tasks.first]
data = "letters"
head = {{ use = "sequence-classification", text = "text", label = "label" }}

[training]
length = "{length}"
batch_size = 16

[lr]
{lr}
{freeze}
"""
LORA = 'lora = { rank = 2, alpha = 4, dropout = 0.1, targets = ["query", "value"] }'
IA3 = 'ia3 = { targets = ["key", "output.dense"], feedforward = ["output.dense"] }'
UNIFORM = 'use = "uniform"\npeak = 1e-2'
LAYER_WISE = 'use = "layer-wise"\nembeddings = 1e-5\nblocks = 2e-3\nheads = 1e-2'
LAYER_DECAY = 'use = "layer-decay"\npeak = 1e-2\ndecay = 0.5'
FROZEN_BASE = '[[freeze]]\nuse = "pattern"\nfreeze = ["backbone & !adapter"]'
ADAPTERS_ONLY = '[freeze]\nuse = "adapters-only"'


@pytest.fixture
def folder(tmp_path):
    write_model(tmp_path / "model", "bert")
    rows = [f"{'abcdefg'[n % 7]} {'hij'[n % 3]} {'klmnop'[n % 6]},{'xy'[n % 2]}" for n in range(40)]
    (tmp_path / "letters.csv").write_text("text,label\n" + "\n".join(rows) + "\n")
    return tmp_path


def plan_of(folder, backbone=LORA, lr=UNIFORM, freeze=FROZEN_BASE, length="2ep"):
    path = folder / "recipe.toml"
    path.write_text(RECIPE.format(backbone=backbone, lr=lr, freeze=freeze, length=length))
    return mtlkit.plan(mtlkit.load(path))


def ran(plan, folder):
    """The final checkpoint of a run, and its weights."""
    result = mtlkit.run(plan, folder / "runs")
    checkpoint = result.run_dir / "checkpoints" / f"step-{result.steps:08d}"
    return checkpoint, load_file(checkpoint / "weights.safetensors")


@pytest.mark.parametrize(("backbone", "count"), [(LORA, 4 * LAYERS), (IA3, 3 * LAYERS)], ids=["lora", "ia3"])
def test_with_a_frozen_base_adapters_alone_move_bit_for_bit(folder, backbone, count):
    loaded = load_file(folder / "model" / "model.safetensors")
    plan = plan_of(folder, backbone)
    start = tensors(Handles.of(build(plan, read_data(plan)).model))
    _, end = ran(plan, folder)
    assert end.keys() == start.keys()
    adapters = {row.name for row in preview(plan).built.table if row.adapter}
    assert len(adapters) == count
    base = {name for name in end if name.startswith("backbone.")} - adapters
    for name in base:
        assert torch.equal(end[name], loaded[name.removeprefix("backbone.").replace(".base_layer", "")]), name
    assert len(base) > 40
    moved = {name for name in end if not torch.equal(end[name], start[name])}
    assert adapters <= moved
    assert all(name.startswith("heads.first.") for name in moved - adapters)
    assert moved > adapters


def test_adapters_only_is_the_frozen_base(folder):
    _, one = ran(plan_of(folder), folder)
    _, other = ran(plan_of(folder, freeze=ADAPTERS_ONLY), folder)
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_nothing_is_frozen_unless_the_recipe_says_so(folder):
    plan = plan_of(folder, freeze="", length="1ep")
    assert not preview(plan).phases[0].frozen
    start = tensors(Handles.of(build(plan, read_data(plan)).model))
    _, end = ran(plan, folder)
    still = {name for name in start if torch.equal(start[name], end[name])}
    assert not any("base_layer" in name or "lora_" in name for name in still)


def test_a_checkpoint_holds_the_adapters(folder):
    plan = plan_of(folder)
    checkpoint, stored = ran(plan, folder)
    built = build(plan, read_data(plan))
    handles = Handles.of(built.model)
    load_weights(handles, checkpoint)
    assert tensors(handles).keys() == stored.keys()
    assert all(torch.equal(each, stored[name]) for name, each in tensors(handles).items())
    backbone = built.model.backbone.eval()
    batch = backbone.collate(backbone.prepare([("a b c",), ("d",)]))
    before = backbone(batch).tokens
    backbone.merge()
    torch.testing.assert_close(backbone(batch).tokens, before, atol=1e-5, rtol=1e-5)


def test_adapters_of_upper_blocks_leave_the_lower_ones_stored(folder):
    chosen = '[freeze]\nuse = "pattern"\nfreeze = ["backbone & !(adapter & blocks[-1:])"]'
    stored = plan_of(folder, freeze=chosen)
    seen = preview(stored)
    trained = {name for name in seen.phases[0].trainable if name.startswith("backbone.")}
    assert trained == {row.name for row in seen.built.table if row.adapter and row.depth == LAYERS}
    assert boundary(seen.built.table, frozenset(seen.phases[0].trainable)) == LAYERS - 1
    _, end = ran(stored, folder)
    start = tensors(Handles.of(build(stored, read_data(stored)).model))
    moved = {name for name in end if name.startswith("backbone.") and not torch.equal(end[name], start[name])}
    assert moved == trained


@pytest.mark.parametrize("lr", [LAYER_WISE, LAYER_DECAY], ids=["layer-wise", "layer-decay"])
def test_adapters_learn_at_the_rate_of_their_block(folder, lr):
    seen = preview(plan_of(folder, lr=lr, freeze=""))
    group = {name: each for each, names in seen.timeline.groups.items() for name in names}
    table = seen.built.table
    of_block = {row.depth: group[row.name] for row in table if row.role == "block" and not row.adapter}
    adapters = [row for row in table if row.adapter]
    assert len(adapters) == 4 * LAYERS
    assert all(group[row.name] == of_block[row.depth] for row in adapters)
    assert len(set(of_block.values())) == (1 if lr == LAYER_WISE else LAYERS)


def test_a_model_without_adapters_has_nothing_for_adapters_only(folder):
    with pytest.raises(mtlkit.RecipeError) as caught:
        preview(plan_of(folder, backbone="", freeze=ADAPTERS_ONLY))
    assert "the selector 'adapter' matches no weight" in str(caught.value)


@pytest.mark.parametrize(
    ("backbone", "message"),
    [
        ("lora = { rank = 0 }", "9:17  backbone.lora.rank  0 is too small  write a number of at least 1"),
        (
            "lora = { r = 4 }",
            "9:10  backbone.lora.r  unknown key 'r'  choose from alpha, dropout, rank, targets",
        ),
        ("reinit_top = -1", "9:14  backbone.reinit_top  -1 is too small  write a number of at least 0"),
        (LORA + "\n" + IA3, "5:2  backbone  lora and ia3 can't both be given"),
        (
            "ia3 = { targets = [] }",
            "9:7  backbone.ia3  targets is empty  name at least one layer, such as key",
        ),
    ],
)
def test_wrong_options_are_found_when_the_recipe_is_read(folder, backbone, message):
    with pytest.raises(mtlkit.RecipeError) as caught:
        plan_of(folder, backbone)
    assert str(caught.value) == f"{folder / 'recipe.toml'}:{message}"


def test_too_many_new_blocks_are_found_in_the_plan(folder):
    with pytest.raises(mtlkit.RecipeError) as caught:
        preview(plan_of(folder, f"reinit_top = {LAYERS + 1}", freeze=""))
    assert f"reinit_top {LAYERS + 1} is more than the {LAYERS} blocks of" in str(caught.value)
    assert f"{folder / 'recipe.toml'}:9:" in str(caught.value)
