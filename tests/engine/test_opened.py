"""A finished run, opened: without its data, wherever it lies, whatever is asked of it together."""

import json
import shutil

import numpy as np
import pytest
from engine_recipes import run_recipe, write_recipe

import mtlkit
from mtlkit.builtin.backbones.tiny import TinyBackbone
from mtlkit.contracts.scored import ScoredLabel
from mtlkit.engine import opened

ROWS = [
    {"text": " ".join(["good", "bad", "odd", "calm"][: 1 + place % 4] * (1 + place % 3)), "title": f"t {place}", "body": "b"}
    for place in range(11)
]  # fmt: skip
COLUMNS = 'columns = { words = "text" }\n'


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("finished")
    recipe = write_recipe(folder, length="12st")
    text = recipe.read_text().replace('use = "csv"\n', f'use = "csv"\n{COLUMNS}')
    recipe.write_text(text.replace("dropout = 0.1 }\n", 'dropout = 0.1, text = "words" }\n'))
    return run_recipe(recipe)[0]


@pytest.fixture(scope="module")
def run(finished):
    return mtlkit.open_run(finished.run_dir)


def test_evaluating_gives_the_table_that_the_run_ended_with(finished, run):
    split, scores = run.evaluate()
    assert split == finished.split == "test"
    assert list(scores) == list(finished.metrics)
    for name, metric in finished.metrics.items():
        found = scores[name]
        assert (found.value, found.low, found.high) == pytest.approx((metric.value, metric.low, metric.high))
        assert found.rows == metric.rows


def test_evaluating_one_task_of_another_split(run):
    split, scores = run.evaluate("validation", ["sentiment"])
    assert split == "validation"
    assert list(scores) == ["sentiment/accuracy", "sentiment/macro-f1"]
    with pytest.raises(mtlkit.UsageError) as caught:
        run.evaluate("validation", ["pairs"])
    assert str(caught.value) == "there are no validation rows  there are train and test rows"


def test_predicting_needs_no_data_and_no_particular_place(finished, tmp_path, monkeypatch):
    before = finished.predict("sentiment", ROWS)
    moved = shutil.copytree(finished.run_dir, tmp_path / "elsewhere")
    recipe = moved / "recipe.toml"
    recipe.write_text(
        recipe.read_text().replace("reviews.csv", "gone.csv").replace("pairs.jsonl", "gone.jsonl")
    )
    monkeypatch.chdir(tmp_path)
    assert mtlkit.open_run("elsewhere").predict("sentiment", ROWS) == before
    assert set(before) <= {"pos", "neg"}
    with pytest.raises(mtlkit.MtlkitError, match=r"gone\.csv"):
        mtlkit.open_run("elsewhere").evaluate()


def test_predictions_do_not_depend_on_what_is_asked_together(run):
    together = run.predict_all(ROWS)
    assert run.tasks == ("sentiment", "pairs")
    backwards = run.predict_all(ROWS[::-1])
    alone = [run.predict_all([row]) for row in ROWS]
    for others in ({task: found[::-1] for task, found in backwards.items()}, _joined(alone)):
        assert others["sentiment"] == together["sentiment"]
        assert np.abs(np.asarray(others["pairs"]) - np.asarray(together["pairs"])).max() <= 1e-5
    assert run.predict("sentiment", ROWS) == together["sentiment"]


def test_windows_of_rows_change_nothing(run, monkeypatch):
    together = run.predict("sentiment", ROWS)
    monkeypatch.setattr(opened, "WINDOW", 3)
    assert run.predict("sentiment", ROWS) == together
    assert run.predict("sentiment", []) == []


def _joined(parts):
    return {task: [found for part in parts for found in part[task]] for task in parts[0]}


def test_tasks_that_read_the_same_column_share_one_encoding(run, monkeypatch):
    counted = []
    backbone = run.built.backbone
    prepare = backbone.prepare
    monkeypatch.setattr(backbone, "prepare", lambda rows: counted.append(len(rows)) or prepare(rows))
    head = run.built.heads["sentiment"]
    readers = opened.Readers("x", {"a": head, "b": head})
    rows = [{"words": row["text"]} for row in ROWS]
    encoder = run._encoder({"x": opened.as_rows(rows)}, [readers], "fp32")
    found = opened.predicted(readers, encoder, "test", len(rows))
    assert found["a"] == found["b"]
    assert counted == [len(rows)]


def test_a_row_may_have_the_names_of_the_source(run):
    ours = [{"words": row["text"], "text": "something else"} for row in ROWS]
    assert run.predict("sentiment", ours) == run.predict("sentiment", ROWS)


def test_rows_that_a_task_cannot_read(run):
    for rows, message in (
        ([ROWS[0], {"title": "t"}], "row 1 has no column 'words', which task 'sentiment' reads  its columns are 'title'"),
        ([{"word": "t"}], "row 0 has no column 'words', which task 'sentiment' reads  did you mean 'word'?"),
        ([{"words": ["t"]}], "row 0 has a list in the column 'words', and task 'sentiment' reads text"),
    ):  # fmt: skip
        with pytest.raises(mtlkit.DataError) as caught:
            run.predict("sentiment", rows)
        assert str(caught.value) == message
    assert run.predict("sentiment", [{"words": None}, {"words": 3}])


def test_a_task_that_is_not_there(run):
    with pytest.raises(mtlkit.UsageError) as caught:
        run.predict("sentimant", ROWS)
    assert str(caught.value) == "there is no task 'sentimant'  did you mean 'sentiment'?"


def test_a_head_presents_its_predictions(run, monkeypatch):
    head = run.built.heads["sentiment"]
    monkeypatch.setattr(head, "present", lambda found, rows: [f"{each}: {row['words']}" for each, row in zip(found, rows, strict=True)], raising=False)  # fmt: skip
    [shown] = run.predict("sentiment", [{"words": "odd"}])
    assert shown in ("pos: odd", "neg: odd")


def test_a_checkpoint_by_name_or_step(finished):
    folder = finished.run_dir
    assert opened.checkpoint_of(folder, "best") == opened.checkpoint_of(folder, "last")
    assert opened.checkpoint_of(folder, "12").name == "step-00000012"
    for which, kind, message in (
        ("7", mtlkit.ResourceError, f"there is no checkpoint of 7 steps in {folder}  there are 6, 12"),
        ("newest", mtlkit.UsageError, "'newest' is no checkpoint  write best, last or a number of steps"),
    ):
        with pytest.raises(kind) as caught:
            mtlkit.open_run(folder, which)
        assert str(caught.value) == message


@pytest.mark.parametrize("name", ["step-00000003", "../../../elsewhere", ""])
def test_a_best_checkpoint_that_is_not_there(finished, tmp_path, name):
    folder = shutil.copytree(finished.run_dir, tmp_path / "run")
    state = folder / "checkpoints" / "step-00000012" / "state.json"
    document = json.loads(state.read_text())
    document.setdefault("run", {})["best"] = {"": [0.5, name]}
    state.write_text(json.dumps(document))
    with pytest.raises(mtlkit.ResourceError) as caught:
        opened.checkpoint_of(folder, "best")
    told = f"step-00000012 names {name!r} as the best checkpoint, and it is not there"
    assert str(caught.value) == f"{told}  choose another --checkpoint"
    state.write_text("[")
    with pytest.raises(mtlkit.ResourceError, match="step-00000012 can't be read"):
        opened.checkpoint_of(folder, "best")


def test_opening_reads_no_pretrained_weights(finished, monkeypatch):
    asked = []
    built = TinyBackbone.__init__

    def recorded(self, options, pretrained=True):
        asked.append(pretrained)
        built(self, options, pretrained)

    monkeypatch.setattr(TinyBackbone, "__init__", recorded)
    mtlkit.open_run(finished.run_dir)
    assert asked == [False]


def test_a_damaged_checkpoint_is_not_used(finished, tmp_path):
    folder = shutil.copytree(finished.run_dir, tmp_path / "run")
    weights = folder / "checkpoints" / "step-00000012" / "weights.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    with pytest.raises(mtlkit.ResourceError, match=r"step-00000012 is damaged: weights\.safetensors"):
        mtlkit.open_run(folder)


def test_what_is_no_run(tmp_path):
    with pytest.raises(mtlkit.ResourceError, match="is no directory of a run: it has no recipe.toml"):
        mtlkit.open_run(tmp_path)
    (tmp_path / "recipe.toml").write_text("")
    with pytest.raises(mtlkit.RecipeError):
        mtlkit.open_run(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda path: path.unlink(), "is missing"),
        (lambda path: path.write_text(path.read_text()[:-20]), "is damaged: JSONDecodeError"),
        (lambda path: path.write_text("[]"), "is damaged: TypeError"),
        (lambda path: path.write_text(path.read_text().replace('"pos"', '"bos"')), "is damaged: its content is not"),
    ],
)  # fmt: skip
def test_damaged_facts_are_named(finished, tmp_path, change, message):
    folder = shutil.copytree(finished.run_dir, tmp_path / "run")
    change(folder / "heads.json")
    with pytest.raises(mtlkit.ResourceError, match=message):
        mtlkit.open_run(folder)


def test_facts_of_another_recipe(finished, tmp_path):
    folder = shutil.copytree(finished.run_dir, tmp_path / "run")
    recipe = folder / "recipe.toml"
    recipe.write_text(recipe.read_text().replace("tasks.pairs", "tasks.couples"))
    with pytest.raises(mtlkit.ResourceError, match="heads.json is of another recipe: couples, pairs"):
        mtlkit.open_run(folder)


def test_what_is_kept_of_the_heads(finished):
    kept = json.loads((finished.run_dir / "heads.json").read_text())
    assert kept["tasks"] == {
        "sentiment": {"labels": ["neg", "pos"], "columns": {"words": "text"}},
        "pairs": {"labels": [], "columns": {"body": "text", "title": "text"}},
    }


def test_predictions_that_carry_scores_are_still_labels():
    label = ScoredLabel("a", {"a": 0.7, "b": 0.3})
    assert (label, label.scores["a"]) == ("a", 0.7)
    assert json.dumps(label) == '"a"'
