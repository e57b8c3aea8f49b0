"""Export: what other libraries load gives what the trained model gives, or nothing is written."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import mtlkit
from mtlkit.api import export_run
from mtlkit.cli.main import _code
from mtlkit.errors import ResourceError, TrainingError, UsageError
from mtlkit.outputs.export.comparing import difference

pytest.importorskip("peft")
pytest.importorskip("sentence_transformers")

RECIPE = """
name = "letters"
seed = 5

[backbone]
use = "transformer"
path = "model"
max_length = 20
lora = {{ rank = 2 }}

[data.rows]
use = "jsonl"
path = "rows.jsonl"
split = {{ test = 0.25 }}

[tasks.class]
data = "rows"
head = {{ use = "sequence-classification", pooling = "cls", hidden = {hidden}, activation = "tanh" }}

[tasks.pair]
data = "rows"
head = {{ use = "sequence-classification", text = ["text", "other"], pooling = "cls", hidden = [16], activation = "tanh" }}

[tasks.tags]
data = "rows"
head = {{ use = "token-classification", subword = "last" }}

[tasks.near]
data = "rows"
head = {{ use = "sentence-embedding", first = "text", second = "other", dim = 5 }}

[lr]
use = "uniform"
peak = 1e-2

[training]
length = "3st"
batch_size = 8
"""
ROWS = [
    {
        "text": " ".join("abcdefgh"[(number * step) % 8] for step in range(1, 4 + number % 3)),
        "other": "c d e" + " f" * (number % 3),
        "label": "pn"[number % 2],
        "tokens": list("abcd"[: 2 + number % 3]),
        "tags": ["O", "B-x", "I-x", "O"][: 2 + number % 3],
    }
    for number in range(32)
]


def run(folder: Path, hidden: str = "[16]") -> Path:
    from tests.builtin.backbones.model_folders import write_model

    write_model(folder / "model", "bert")
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    (folder / "recipe.toml").write_text(RECIPE.format(hidden=hidden))
    return mtlkit.run(mtlkit.plan(mtlkit.load(folder / "recipe.toml")), folder / "runs").run_dir


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A run and what was exported of it."""
    folder = run(tmp_path_factory.mktemp("export"))
    return folder, export_run(folder)


def test_every_task_has_a_form_and_each_was_compared(finished):
    folder, exported = finished
    assert exported.folder == folder / "model"
    assert exported.left == ()
    assert {(form.task, form.kind) for form in exported.forms} == {
        ("class", "AutoModelForSequenceClassification"),
        ("pair", "AutoModelForSequenceClassification"),
        ("tags", "AutoModelForTokenClassification"),
        ("near", "SentenceTransformer"),
    }
    assert 0 <= exported.difference < 1e-5
    assert all(0 <= form.difference < 1e-5 for form in exported.forms)
    hidden = {path.name for path in folder.iterdir() if path.name.startswith(".")}
    assert hidden <= {".lock"}
    told = json.loads((exported.folder / "export.json").read_text())
    assert [form["task"] for form in told["forms"]] == ["class", "pair", "tags", "near"]
    assert told["recipe"]["backbone"]["lora"]["rank"] == 2


def test_the_backbone_is_loaded_by_transformers_without_adapters(finished):
    from transformers import AutoModel, AutoTokenizer

    folder, exported = finished
    weights = load_file(exported.folder / "model.safetensors")
    assert not any("lora" in name or "base_layer" in name for name in weights)
    tokenizer = AutoTokenizer.from_pretrained(exported.folder)
    assert tokenizer.model_max_length == 20
    encoder = AutoModel.from_pretrained(exported.folder, add_pooling_layer=False)
    opened = mtlkit.open_run(folder)
    for row in ROWS[:4]:
        with torch.no_grad():
            found = encoder(**tokenizer(row["text"], return_tensors="pt")).last_hidden_state
            backbone = opened.built.backbone
            wanted = backbone.forward(backbone.collate(backbone.prepare([(row["text"],)]))).tokens
        assert difference(found, wanted) < 1e-5


def test_classes_are_those_that_the_run_predicts(finished):
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    folder, exported = finished
    opened = mtlkit.open_run(folder)
    for task, columns in (("class", ("text",)), ("pair", ("text", "other"))):
        place = exported.folder / "tasks" / task
        tokenizer = AutoTokenizer.from_pretrained(place)
        model = AutoModelForSequenceClassification.from_pretrained(place)
        assert model.config.id2label == {0: "n", 1: "p"}
        inputs = tokenizer(
            *([row[column] for row in ROWS] for column in columns), padding=True, return_tensors="pt"
        )
        with torch.no_grad():
            chosen = model(**inputs).logits.argmax(-1).tolist()
        assert [model.config.id2label[number] for number in chosen] == opened.predict(task, ROWS)


def test_vectors_are_those_that_the_run_predicts(finished):
    from sentence_transformers import SentenceTransformer

    folder, exported = finished
    model = SentenceTransformer(str(exported.folder / "tasks" / "near"), device="cpu")
    wanted = np.stack(mtlkit.open_run(folder).predict("near", ROWS))
    for place, column in enumerate(("text", "other")):
        found = model.encode([row[column] for row in ROWS], show_progress_bar=False)
        assert np.abs(found - wanted[:, place]).max() < 1e-5
    assert [type(module).__name__ for module in model] == ["Transformer", "Pooling", "Dense", "Normalize"]


def test_heads_are_there_bit_for_bit(finished):
    folder, exported = finished
    heads = mtlkit.open_run(folder).built.heads
    for task, head in heads.items():
        stored = load_file(exported.folder / "heads" / task / "head.safetensors")
        assert set(stored) == set(head.state_dict())
        assert all(torch.equal(stored[name], value) for name, value in head.state_dict().items())
    told = json.loads((exported.folder / "heads" / "tags" / "head.json").read_text())
    assert told["head"]["use"] == "token-classification"
    assert (told["labels"], told["views"]) == (["B-x", "I-x", "O"], [["tokens"]])


def test_the_card_says_how_to_load_it(finished):
    text = (finished[1].folder / "README.md").read_text()
    assert text.startswith("---\nlibrary_name: transformers\ntags:\n- multi-task\n- mtlkit\n")
    assert 'encoder = AutoModel.from_pretrained(".", add_pooling_layer=False)' in text
    assert 'AutoModelForTokenClassification.from_pretrained("tasks/tags")' in text
    assert 'SentenceTransformer("tasks/near")' in text
    assert "| accuracy | " in text


def test_an_existing_folder_is_not_touched_unless_asked(finished, tmp_path, capsys):
    folder, _ = finished
    with pytest.raises(UsageError) as error:
        export_run(folder)
    assert (
        str(error.value)
        == f"{folder / 'model'} exists  name another folder with --out, or replace it with --force"
    )
    out = tmp_path / "out"
    out.mkdir()
    (out / "old").write_text("old")
    (out / "export.json").write_text("{}")
    assert _code(["export", str(folder), "--out", str(out), "--task", "tags", "--force", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["folder"], [form["task"] for form in told["forms"]]) == (str(out), ["tags"])
    assert sorted(path.name for path in (out / "heads").iterdir()) == ["tags"]
    assert not (out / "old").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("what", ["the run", "its checkpoints", "a folder of others", "a link", "a file"])
def test_nothing_but_an_export_is_replaced(finished, tmp_path, capsys, what):
    folder, _ = finished
    place = {"the run": folder, "its checkpoints": folder / "checkpoints"}.get(what, tmp_path / "place")
    if what == "a file":
        place.write_text("mine")
    elif what != "a link" and place.parent == tmp_path:
        place.mkdir()
        (place / "mine").write_text("mine")
    elif what == "a link":
        (tmp_path / "there").mkdir()
        (tmp_path / "there" / "export.json").write_text("{}")
        place.symlink_to("there")
    before = sorted(path for top in (folder, tmp_path) for path in top.rglob("*"))
    assert _code(["export", str(folder), "--out", str(place), "--force"]) == 2
    told = f"{place} is no exported model, and is not replaced  name another folder with --out\n"
    assert capsys.readouterr().err == told
    assert sorted(path for top in (folder, tmp_path) for path in top.rglob("*")) == before


def test_what_computes_something_else_is_left_out_and_said(tmp_path, monkeypatch, capsys):
    folder = run(tmp_path, hidden="[]")
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    assert _code(["export", str(folder)]) == 0
    out = capsys.readouterr().out
    assert (
        "heads/class: task class, its weights only: BertForSequenceClassification has layers of the shapes "
        "[[16, 16], [2, 16]] beside its backbone, the head [[2, 16]]\n" in out
    )
    assert (
        "heads/near: task near, its weights only: sentence-transformers is not installed: "
        "pip install 'mtlkit[export]'\n" in out
    )
    assert sorted(path.name for path in (folder / "model" / "tasks").iterdir()) == ["pair", "tags"]


def test_nothing_is_written_when_the_copy_is_not_the_model(finished, tmp_path, monkeypatch):
    from mtlkit.builtin.backbones.transformer import TransformerBackbone

    def forgets(self):
        with torch.no_grad():
            next(self.model.parameters()).mul_(1.5)

    monkeypatch.setattr(TransformerBackbone, "merge", forgets)
    with pytest.raises((TrainingError, RuntimeError)):
        export_run(finished[0], tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_backbone_of_no_library_is_refused(tmp_path):
    base = Path(__file__).parents[2] / "recipes" / "tiny.toml"
    plan = mtlkit.plan(mtlkit.load(base, ["training.length=1st"]))
    folder = mtlkit.run(plan, tmp_path / "runs").run_dir
    with pytest.raises(ResourceError) as error:
        export_run(folder)
    assert str(error.value) == (
        "the backbone 'tiny' is no text model of transformers, and only those can be exported  train with the "
        "backbone 'transformer'"
    )
    assert not (folder / "model").exists()


def test_differences():
    inf = float("inf")
    one = torch.tensor([1.0, -inf, float("nan")])
    assert difference(one, one) == 0
    assert difference(torch.tensor([1.0]), torch.tensor([1.5])) == pytest.approx(1 / 3)
    assert difference(torch.tensor([0.1]), torch.tensor([0.2])) == pytest.approx(0.1)
    assert difference(torch.tensor([inf]), torch.tensor([1.0])) == pytest.approx(
        torch.finfo(torch.float32).max, rel=1
    )
    assert difference(torch.zeros(2), torch.zeros(3)) == inf
    assert difference(torch.zeros(0), torch.zeros(0)) == 0
