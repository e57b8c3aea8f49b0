"""The run directory: everything in it, read back."""

import json
from pathlib import Path

import pytest

import mtlkit
from mtlkit.builtin.trackers.jsonl import FILE
from mtlkit.engine.checkpoint import verify
from mtlkit.outputs.plan_json import plan_json
from mtlkit.outputs.run_directory import create

ROOT = Path(__file__).parents[2]
BASE = ROOT / "recipes" / "scenarios" / "base.toml"
RECIPE = f"""
extends = "{BASE}"
name = "phased"
[data.opinions]
split = {{ validation = 0.2, test = 0.2 }}
[freeze]
use = "phases"
phases = [{{ name = "heads", until = "3st", freeze = ["backbone"] }}, {{ name = "top", freeze = ["blocks[0]"] }}]
[lr]
use = "layer-wise"
embeddings = 1e-4
blocks = 1e-3
heads = 1e-2
[training]
length = "6st"
evaluate_every = "2st"
checkpoint_every = "2st"
[selection]
metric = "sentiment/accuracy"
[logging]
every = "1st"
"""


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("phased")
    recipe = folder / "r.toml"
    recipe.write_text(RECIPE)
    events = []
    plan = mtlkit.plan(mtlkit.load(recipe))
    return mtlkit.run(plan, folder / "runs", on_event=events.append), plan, events


def test_what_is_in_it(finished):
    result, _, _ = finished
    names = {path.name for path in result.run_dir.iterdir()}
    assert {"recipe.toml", "plan.json", FILE, "tensorboard", "checkpoints"} <= names
    assert result.run_dir.parent.name == "phased"
    checkpoints = sorted(path for path in (result.run_dir / "checkpoints").iterdir())
    assert checkpoints[-1].name == "step-00000006"
    assert all(verify(path) == [] for path in checkpoints)


def test_its_recipe_gives_the_same_plan(finished):
    result, _, _ = finished
    stored = mtlkit.api.preview(mtlkit.plan(mtlkit.load(result.run_dir / "recipe.toml")))
    text = plan_json(stored.timeline, stored.moments, stored.phases)
    assert text == (result.run_dir / "plan.json").read_text(encoding="utf-8")
    assert [phase["name"] for phase in json.loads(text)["phases"]] == ["heads", "top"]


def test_its_recipe_needs_nothing_else(finished):
    result, plan, _ = finished
    again = mtlkit.plan(mtlkit.load(result.run_dir / "recipe.toml"))
    assert "extends" not in again.recipe
    assert again.recipe == plan.recipe
    assert (
        (result.run_dir / "recipe.toml")
        .read_text()
        .startswith("# resolved: every default written out\n# mtlkit")
    )


def test_the_event_log_has_every_event_in_order(finished):
    result, _, events = finished
    lines = [json.loads(line) for line in (result.run_dir / FILE).read_text(encoding="utf-8").splitlines()]
    logged = [each["event"] for each in lines if each["event"] != "Activity"]
    assert logged == [type(event).__name__ for event in events if type(event).__name__ != "Activity"]
    assert (logged[0], logged[-1]) == ("RunStarted", "RunEnded")
    steps = [each for each in lines if each["event"] == "StepDone"]
    assert [each["step"] for each in steps] == [1, 2, 3, 4, 5, 6]
    plan = json.loads((result.run_dir / "plan.json").read_text())
    for each in steps:
        assert each["rates"] == {
            group: series[each["step"] - 1][1] for group, series in plan["rates"].items()
        }


def test_the_result_is_what_the_log_says(finished):
    result, _, _ = finished
    lines = [json.loads(line) for line in (result.run_dir / FILE).read_text(encoding="utf-8").splitlines()]
    evaluated = {each["purpose"]: each for each in lines if each["event"] == "Evaluated"}
    assert result.split == evaluated["final"]["split"] == "test"
    assert set(result.metrics) == set(evaluated["final"]["metrics"])
    for name, metric in result.metrics.items():
        assert metric.value == evaluated["final"]["metrics"][name]
        assert metric.start == evaluated["start"]["metrics"][name]
        assert (metric.low, metric.high) == (
            evaluated["final"]["low"][name],
            evaluated["final"]["high"][name],
        )


def test_tensorboard_reads_it(finished):
    event_accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    result, _, events = finished
    [file] = (result.run_dir / "tensorboard").iterdir()
    assert file.name.startswith("events.out.tfevents")
    log = event_accumulator.EventAccumulator(str(result.run_dir / "tensorboard"))
    log.Reload()
    steps = [event for event in events if isinstance(event, mtlkit.contracts.events.StepDone)]
    shown = {each.step: each.value for each in log.Scalars("rate/blocks")}
    assert shown == pytest.approx({event.step: event.rates["blocks"] for event in steps})
    assert {"loss/sentiment", "gradient norm", "test/sentiment/accuracy"} <= set(log.Tags()["scalars"])


def test_a_directory_is_never_used_twice(finished, tmp_path):
    _, plan, _ = finished
    made = [create(plan, tmp_path, "{}") for _ in range(3)]
    assert len(set(made)) == 3
    assert all(path.parent == tmp_path / "phased" for path in made)


def test_a_directory_that_cannot_be_made(finished, tmp_path):
    _, plan, _ = finished
    (tmp_path / "file").write_text("")
    with pytest.raises(mtlkit.ResourceError, match="can't be made") as caught:
        create(plan, tmp_path / "file", "{}")
    assert caught.value.problems[0].suggestion == "choose another --out"
