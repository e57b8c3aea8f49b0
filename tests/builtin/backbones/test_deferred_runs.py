"""Runs that find all they need of a frozen model in the store never load it, and end in the same bytes."""

import csv
import json

import pytest
from attrs import evolve
from model_folders import write_model
from safetensors.torch import load_file, save_file

import mtlkit
from mtlkit.api import preview, resume, run_prepared
from mtlkit.builtin.backbones.loaded import Loaded
from mtlkit.builtin.heads.sequence_classification import SequenceClassificationHead
from mtlkit.contracts.events import StepDone
from mtlkit.engine import session
from mtlkit.engine.shelves import ABOUT, folder, kept, remove
from mtlkit.engine.stopping import Stop
from mtlkit.errors import ResourceError, StoppedError

RECIPE = """
name = "deferred"
seed = 4

[backbone]
use = "transformer"
path = "model"
max_length = 12

[data.letters]
use = "csv"
path = "letters.csv"
split = {{ validation = 0.2, test = 0.2 }}

[tasks.letters]
data = "letters"
head = {head}

[freeze]
{freeze}

[lr]
use = "uniform"
peak = 1e-2

[training]
length = "3ep"
batch_size = 8
{more}
"""
CLASSES = '{ use = "sequence-classification", pooling = "cls" }'
TOKENS = '{ use = "sequence-classification", pooling = "mean", layers = [1, 2] }'
TABLE = '{ use = "sentence-embedding", first = "text", objective = { use = "denoising", deleted = 0.4 } }'
FROZEN = 'use = "backbone"'
THAWING = 'use = "phases"\nphases = [{ until = "2ep", freeze = ["backbone"] }, { freeze = [] }]'
SELECTION = '\n[selection]\nmetric = "letters/accuracy"\n'
REGULARIZED = '\n[[regularizer]]\nuse = "l2-sp"\nstrength = 0.1\n'


@pytest.fixture
def loads(monkeypatch, tmp_path):
    """Counts how often pre-trained weights are loaded, and models laid out by their code."""
    monkeypatch.setenv("MTLKIT_CACHE", str(tmp_path / "cache"))
    found, load = [], Loaded.of
    monkeypatch.setattr(Loaded, "of", lambda *told: found.append(told[-1]) or load(*told))
    return found


@pytest.fixture
def recipe(tmp_path):
    write_model(tmp_path / "model", "bert")
    with (tmp_path / "letters.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["text", "label"])
        rows.writerows([" ".join("abcdefgh"[: 1 + row % 8]), "xy"[row % 2]] for row in range(60))

    def written(head=CLASSES, freeze=FROZEN, more=""):
        path = tmp_path / "recipe.toml"
        path.write_text(RECIPE.format(head=head, freeze=freeze, more=more))
        return path

    return written


def run(path, overrides=()):
    return mtlkit.run(mtlkit.plan(mtlkit.load(path, overrides)), path.parent / "runs")


def content(result):
    """The bytes of the last checkpoint, and the events but for what no two runs have alike."""
    last = result.run_dir / "checkpoints" / f"step-{result.steps:08d}"
    files = [(last / name).read_bytes() for name in ("weights.safetensors", "optimizer.safetensors")]
    return [*files, (result.run_dir / "events.jsonl").read_bytes()]


def shelf(words):
    (found,) = [each for each in kept(folder()) if words in each.words]
    return found


@pytest.mark.parametrize("head", [CLASSES, TOKENS], ids=["vectors", "states"])
def test_a_later_run_loads_nothing_and_ends_in_the_same_bytes(recipe, loads, head):
    path = recipe(head)
    cold = run(path)
    assert loads == [False, True]
    loads.clear()
    warm = run(path)
    assert loads == []
    assert content(warm) == content(cold)
    unstored = run(path, ["training.store.max_bytes=0"])
    assert loads == [False, True]
    assert content(unstored)[:2] == content(cold)[:2]
    assert warm.frozen == cold.frozen == unstored.frozen
    assert warm.predict("letters", [{"text": "a b"}]) == cold.predict("letters", [{"text": "a b"}])


def test_where_features_are_missing_it_is_loaded_in_the_run(recipe, loads):
    path = recipe()
    cold = run(path)
    loads.clear()
    assert remove(shelf("cls of letters, train").folder)
    assert content(run(path)) == content(cold)
    assert loads == [True]


def test_the_best_weights_are_gone_back_to_all_the_same(recipe, loads):
    path = recipe(more=SELECTION)
    cold = run(path)
    assert content(run(path)) == content(cold)


def stopped_at_two(path):
    """The directory of a run that was stopped after two steps."""
    stop = Stop()

    def at_two(event):
        if isinstance(event, StepDone) and event.step == 2:
            stop.ask(15)

    prepared = preview(mtlkit.plan(mtlkit.load(path)))
    with pytest.raises(StoppedError):
        run_prepared(prepared, path.parent / "stopped", on_event=at_two, stop=stop)
    (run_dir,) = (path.parent / "stopped" / "deferred").iterdir()
    return run_dir


def test_a_run_goes_on_where_it_was_stopped(recipe, loads):
    path = recipe()
    cold = run(path)
    run_dir = stopped_at_two(path)
    loads.clear()
    assert content(resume(run_dir))[:2] == content(cold)[:2]
    assert loads == [True]  # for the weights of the checkpoint


def test_a_recipe_in_another_folder_finds_what_was_stored(recipe, loads):
    path = recipe()
    cold = run(path)
    loads.clear()
    below = path.parent / "below"
    below.mkdir()
    text = path.read_text().replace('path = "', 'path = "../')
    (below / "recipe.toml").write_text(text)
    assert content(run(below / "recipe.toml")) == content(cold)
    assert loads == []


def test_what_thaws_after_all_is_loaded_first(recipe, loads, monkeypatch):
    path = recipe(freeze=THAWING)
    cold = run(path)
    loads.clear()
    monkeypatch.setattr(session, "_reads_no_weight", lambda _prepared: True)
    assert content(run(path))[:2] == content(cold)[:2]
    assert loads == [True]


@pytest.mark.parametrize(
    ("told", "overrides"),
    [
        ({"head": TABLE}, ()),
        ({"freeze": THAWING}, ()),
        ({"more": REGULARIZED}, ()),
        ({}, ("training.compile=true",)),
        ({}, ("backbone.fast=off",)),
    ],
    ids=["head with the table", "thawing", "regularized", "compiled", "other options"],
)
def test_what_needs_the_weights_has_them_from_the_start(recipe, loads, told, overrides, monkeypatch):
    monkeypatch.setattr("mtlkit.builtin.backbones.transformer.compile_all", lambda *_told: None)
    path = recipe(**told)
    run(path)
    loads.clear()
    run(path, overrides)
    assert loads[-1] is True


def test_a_head_that_copies_the_table_has_its_numbers(recipe, loads, monkeypatch):
    build = SequenceClassificationHead.__init__

    def copying(head, options, context):
        build(head, options, context)
        head.register_buffer("copied", context.vocabulary.table.detach().clone(), persistent=False)

    monkeypatch.setattr(SequenceClassificationHead, "__init__", copying)
    path = recipe()
    cold = run(path)
    loads.clear()
    assert content(run(path)) == content(cold)
    assert loads == [True]


def test_an_optimizer_of_a_stranger_is_shown_the_weights(recipe, loads):
    path = recipe()
    run(path)
    prepared = preview(mtlkit.plan(mtlkit.load(path)))
    assert session.open_session(prepared).built.backbone.deferred
    optimizer = evolve(prepared.plan.optimizer, distribution="strange")
    strange = evolve(prepared, plan=evolve(prepared.plan, optimizer=optimizer))
    assert not session.open_session(strange).built.backbone.deferred


def test_a_policy_that_measures_has_the_weights_from_the_start(recipe, loads):
    path = recipe()
    run(path)
    prepared = preview(mtlkit.plan(mtlkit.load(path)))
    measuring = preview(mtlkit.plan(mtlkit.load(path, ['freeze={use="surgical"}'])))
    (part,) = measuring.plan.freeze
    assert part.options.statistics()
    asked = evolve(prepared, plan=evolve(prepared.plan, freeze=(*prepared.plan.freeze, part)))
    assert not session.open_session(asked).built.backbone.deferred


def test_a_stopped_run_goes_on_with_its_own_weights_where_the_files_are_others_now(recipe, loads):
    path = recipe()
    cold = run(path)
    run_dir = stopped_at_two(path)
    model = path.parent / "model" / "model.safetensors"
    weights = load_file(model)
    weights["encoder.layer.1.output.dense.bias"] += 1
    save_file(weights, model, {"format": "pt"})
    run(path)
    assert content(resume(run_dir))[:2] == content(cold)[:2]


def test_another_tokenizer_is_read_anew_and_leads_to_other_features(recipe, loads):
    path = recipe()
    cold = run(path)
    file = path.parent / "model" / "tokenizer.json"
    told = json.loads(file.read_text())
    vocabulary = told["model"]["vocab"]
    vocabulary["b"], vocabulary["c"] = vocabulary["c"], vocabulary["b"]
    file.write_text(json.dumps(told))
    loads.clear()
    other = run(path)
    assert loads == [True]
    assert content(other)[0] != content(cold)[0]
    loads.clear()
    assert content(run(path)) == content(other)
    assert loads == []


@pytest.mark.parametrize("damage", ["checksum", "JSON", "gone"])
def test_a_damaged_description_is_none_and_is_written_again(recipe, loads, damage):
    path = recipe()
    cold = run(path)
    file = shelf("layout of the backbone transformer").folder / ABOUT
    whole = file.read_bytes()
    if damage == "checksum":
        told = json.loads(whole)
        told["told"]["anatomy"]["depth"] += 1
        file.write_text(json.dumps(told))
    elif damage == "JSON":
        file.write_bytes(whole[: len(whole) // 2])
    else:
        file.unlink()
    loads.clear()
    assert content(run(path)) == content(cold)
    assert loads == [False, True]
    assert file.read_bytes() == whole


def test_other_weights_are_loaded_and_described_anew(recipe, loads):
    path = recipe()
    cold = run(path)
    model = path.parent / "model" / "model.safetensors"
    weights = load_file(model)
    weights["encoder.layer.1.output.dense.bias"] += 1
    save_file(weights, model, {"format": "pt"})
    loads.clear()
    other = run(path)
    assert loads == [True]
    assert content(other)[0] != content(cold)[0]
    loads.clear()
    assert content(run(path)) == content(other)
    assert loads == []


@pytest.mark.parametrize("change", ["gone", "others"])
def test_files_that_change_in_the_run_are_named_and_it_goes_on_when_they_are_back(recipe, loads, change):
    path = recipe(more="checkpoint_every = false\n")
    cold = run(path)
    file = path.parent / "model" / "model.safetensors"
    whole = file.read_bytes()

    def after_two(event):
        if isinstance(event, StepDone) and event.step == 2:
            file.unlink()
            if change == "others":
                file.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))

    out = path.parent / "changed"
    with pytest.raises(ResourceError) as caught:
        run_prepared(preview(mtlkit.plan(mtlkit.load(path))), out, on_event=after_two)
    told = {
        "gone": f"[Errno 2] No such file or directory: '{file}'",
        "others": f"{file} has changed since the run began",
    }
    advice = "put the files back as they were, and resume the run"
    assert (
        str(caught.value) == f"the weights of the backbone can't be read any more: {told[change]}  {advice}"
    )
    file.write_bytes(whole)
    (run_dir,) = (out / "deferred").iterdir()
    assert content(resume(run_dir))[:2] == content(cold)[:2]
