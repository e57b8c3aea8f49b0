"""Every row of the table of what may change on a resume, and every condition that a checkpoint records."""

import json
import shutil

import pytest
from engine_recipes import run_recipe, write_recipe
from twins import Killed, until

import mtlkit
from mtlkit.api import preview, resume
from mtlkit.cli.main import _code
from mtlkit.course import begin, go_on
from mtlkit.engine import conditions as told
from mtlkit.engine import resuming
from mtlkit.engine.checkpoint import newest, read
from mtlkit.plan.changes import RULES, Change

SAVING = ["training.checkpoint_every=2st", "training.evaluate_every=2st", "training.length=6st"]
CHANGES = {
    "name": ["name=other"],
    "logging": ["logging.every=3st"],
    "training.checkpoint_every": ["training.checkpoint_every=1st"],
    "training.keep": ["training.keep=5"],
    "training.store": ["training.store.max_bytes=1000"],
    "data.*.path": ["data.reviews.path={moved}"],
    "seed": ["seed=4"],
    "backbone": ["backbone.dropout=0.3"],
    "data": ["data.reviews.split={validation=0.1, test=0.2}"],
    "tasks.*.weight": ["tasks.sentiment.weight=0.5"],
    "tasks.*.backbone_grad": ["tasks.sentiment.backbone_grad=0.5"],
    "tasks": ["tasks.sentiment.head.dropout=0.3"],
    "optimizer.use": ["optimizer.use=sgd"],
}
ALLOWED = {
    "freeze": ["freeze=[{use='backbone'}]"],
    "lr.heads": ["lr.heads=0.5"],
    "lr.curve": ["lr.curve={use='constant'}"],
    "training.grad_clip": ["training.grad_clip=0.1"],
    "training.batch_size": ["training.batch_size=8"],
    "training.accumulate": ["training.accumulate=2"],
    "training.evaluate_every": ["training.evaluate_every=3st"],
    "training.length": ["training.length=8st"],
    "sampler": ["sampler.use=uniform"],
    "optimizer.weight_decay": ["optimizer.weight_decay=0.1"],
    "regularizer": ["regularizer=[{use='l2-sp', strength=0.1}]"],
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A run that ended, and one that was killed after its fifth step."""
    folder = tmp_path_factory.mktemp("runs")
    recipe = write_recipe(folder, more="")
    ended, _ = run_recipe(recipe, SAVING)
    with pytest.raises(Killed):
        begin(preview(mtlkit.plan(mtlkit.load(recipe, SAVING))), folder / "killed", until(5))
    (killed,) = (path.parent for path in folder.glob("killed/*/*/recipe.toml"))
    return ended.run_dir, killed


@pytest.fixture
def killed(runs, tmp_path):
    return shutil.copytree(runs[1], tmp_path / "killed")


def settings(changes, folder, runs):
    shutil.copy(runs[0].parents[2] / "reviews.csv", folder / "moved.csv")
    return [word for each in changes for word in ("--set", each.replace("{moved}", f"{folder}/moved.csv"))]


def test_every_rule_has_a_change_here():
    assert list(CHANGES) == [pattern for pattern, _ in RULES]
    for key in ALLOWED:
        assert Change(f"{key}.x", 1, 2).verdict == "allow"


@pytest.mark.parametrize("key", [pattern for pattern, verdict in RULES if verdict == "free"])
def test_free_is_free_and_changes_no_byte(runs, killed, tmp_path, key):
    assert _code(["resume", str(killed), *settings(CHANGES[key], tmp_path, runs)]) == 0
    for name in ("weights.safetensors", "optimizer.safetensors"):
        ours, theirs = (each / "checkpoints" / "step-00000006" / name for each in (killed, runs[0]))
        assert ours.read_bytes() == theirs.read_bytes()
    assert read(killed / "checkpoints" / "step-00000006").standing.inexact == ()


@pytest.mark.parametrize("key", [pattern for pattern, verdict in RULES if verdict == "refused"])
def test_refused_is_refused_whatever_is_allowed(runs, killed, tmp_path, capsys, key):
    words = ["resume", str(killed), *settings(CHANGES[key], tmp_path, runs)]
    before = sorted(path.read_bytes() for path in killed.rglob("*") if path.is_file())
    allowed = [word for each in (key, key.partition(".")[0]) for word in ("--allow", each)]
    assert _code(words) == 2
    assert "another run, which can't go on from this one" in capsys.readouterr().err
    assert _code([*words, *allowed, "--allow-inexact"]) == 2
    assert sorted(path.read_bytes() for path in killed.rglob("*") if path.is_file()) == before


@pytest.mark.parametrize(
    ("key", "changes"),
    [*((key, CHANGES[key]) for key, verdict in RULES if verdict == "allow"), *ALLOWED.items()],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_what_needs_leave_is_refused_without_and_marks_the_run_with_it(
    runs, killed, tmp_path, capsys, key, changes
):
    words = ["resume", str(killed), *settings(changes, tmp_path, runs)]
    assert _code(words) == 2
    errors = capsys.readouterr().err.splitlines()
    needed = [line.partition("pass --allow ")[2].partition(" ")[0] for line in errors]
    assert all(needed), errors
    assert _code([*words, *(word for each in needed for word in ("--allow", each)), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    marks = [warning for warning in printed["warnings"] if warning.startswith("from step 4 on: ")]
    assert len(marks) == len(needed)
    last, damaged = newest(killed / "checkpoints")
    assert damaged == []
    assert read(last).standing.inexact == tuple(marks)
    (entry,) = map(json.loads, (killed / "resumes.jsonl").read_text().splitlines())
    assert entry == {"step": 4, "warnings": marks}


CONDITIONS = (
    "torch",
    "python",
    "machine",
    "cpu capability",
    "threads",
    "device",
    "numpy",
    "distribution mtlkit",
    "data reviews",
)


@pytest.mark.parametrize("name", CONDITIONS)
def test_every_condition_is_refused_or_marks_the_run(killed, capsys, monkeypatch, name):
    real = told.conditions

    def other(session):
        found = real(session)
        assert name in found
        return {**found, name: "another"}

    monkeypatch.setattr(resuming, "conditions", other)
    assert _code(["resume", str(killed)]) == 5
    errors = capsys.readouterr().err
    assert f"{name} was " in errors
    assert "pass --allow-inexact" in errors
    assert _code(["resume", str(killed), "--allow-inexact"]) == 0
    last, _ = newest(killed / "checkpoints")
    (mark,) = read(last).standing.inexact
    assert mark.startswith(f"from step 4 on: {name} was ")
    assert mark.endswith(" and is another")
    assert f"warning: {mark}" in capsys.readouterr().err


def test_a_mark_stays_through_later_resumes(killed, monkeypatch):
    real = told.conditions
    monkeypatch.setattr(resuming, "conditions", lambda session: {**real(session), "threads": "64"})
    prepared = preview(mtlkit.plan(mtlkit.load(killed / "recipe.toml", ["training.checkpoint_every=1st"])))
    with pytest.raises(Killed):
        go_on(prepared, killed, until(6), mtlkit.Leave(inexact=True))
    result = resume(killed)  # the conditions are now those under which it went on
    (mark,) = (warning for warning in result.warnings if warning.startswith("from step"))
    assert mark.endswith(" and is 64")
