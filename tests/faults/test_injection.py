"""Texts of strangers in whatever a command shows or writes: none steers, none begins a line, none is markup."""

import json
import re
import xml.etree.ElementTree as ET
from types import SimpleNamespace

import pytest
from engine_recipes import write_recipe
from hypothesis import given
from hypothesis import strategies as st

from mtlkit.cli.main import _code
from mtlkit.outputs.event_log import CLASSES, collected
from mtlkit.outputs.event_shapes import fits
from mtlkit.outputs.export.card import card
from mtlkit.outputs.export.values import Left, TaskModel, TrainedModel

EVIL = "E\x1b[31m\x1b]0;x\x07\u202eR\x9b2J\rL\nFORGED: <img src=x onerror=alert(1)>"
QUOTED = json.dumps(EVIL)
FILE = EVIL.replace("/", "")


def clean(text):
    assert [each for each in text if not each.isprintable() and each != "\n"] == []
    assert [line for line in text.split("\n") if line.startswith("FORGED")] == []
    assert "\\nFORGED" in text or "FORGED" not in text


@pytest.fixture
def ended(capfd):
    """Calls a command, and returns its code when nothing that it showed steers or is forged."""

    def call(*words):
        code = _code([str(word) for word in words])
        shown = capfd.readouterr()
        clean(shown.out)
        clean(shown.err)
        if code:
            assert 0 < shown.err.count("\n") <= 3
        return code

    return call


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder of a hostile name with a recipe, hostile rows and a run on them."""
    folder = tmp_path_factory.mktemp("evil") / FILE
    folder.mkdir()
    rows = folder / f"{FILE}.jsonl"
    cells = [
        {f"text{EVIL}": f"good {EVIL} {row % 7}", f"label{EVIL}": f"{row % 2}{EVIL}"} for row in range(60)
    ]
    rows.write_text("".join(json.dumps(row) + "\n" for row in cells))
    recipe = write_recipe(folder.parent, length="2st", more="")
    wanted = recipe.read_text()
    for old, new in (
        (f'use = "csv"\npath = "{folder.parent}/reviews.csv"', f'use = "jsonl"\npath = {json.dumps(str(rows))}'),
        ('-classification"', f'-classification", text = {json.dumps("text" + EVIL)}, label = {json.dumps("label" + EVIL)}'),
        ("[training]", f'[[freeze]]\nuse = "phases"\nphases = [{{ name = {QUOTED}, until = "1st", freeze = ["backbone"] }}, {{ freeze = ["heads"] }}]\n[training]'),
    ):  # fmt: skip
        assert old in wanted
        wanted = wanted.replace(old, new, 1)
    recipe.write_text(wanted)
    assert _code(["run", str(recipe), "--out", str(folder / "runs")]) == 0
    (run_dir,) = (path.parent for path in (folder / "runs").glob("*/*/recipe.toml"))
    return SimpleNamespace(folder=folder, recipe=recipe, rows=rows, run=run_dir)


COMMANDS = {
    "validate": ["validate", "RECIPE"],
    "plan": ["plan", "RECIPE", "--params", "--plot", "FOLDER/plan.svg"],
    "plan json": ["plan", "RECIPE", "--json"],
    "data": ["data", "RECIPE"],
    "data json": ["data", "RECIPE", "--json"],
    "run": ["run", "RECIPE", "--out", "FOLDER/again"],
    "resume": ["resume", "RUN"],
    "resume json": ["resume", "RUN", "--json"],
    "evaluate": ["evaluate", "RUN"],
    "evaluate others": ["evaluate", "RUN", "--data", "ROWS"],
    "predict": ["predict", "RUN", "--in", "ROWS", "--out", "FOLDER/out.csv"],
    "new": ["new", "head", "x-y", "--out", "FOLDER/new"],
    "cache": ["cache", "ls"],
}
REFUSED = {
    "an option": ["validate", "RECIPE", f"--{EVIL}"],
    "a word too many": ["plan", "RECIPE", EVIL],
    "no command": [EVIL],
    "a file that is not there": ["run", EVIL],
    "an override": ["data", "RECIPE", "--set", f"{QUOTED}=1"],
    "a value": ["plan", "RECIPE", "--set", f"backbone.use={QUOTED}"],
    "a plot": ["plan", "RECIPE", "--plot", f"FOLDER/{FILE}"],
    "a checkpoint": ["predict", "RUN", "--in", "ROWS", "--checkpoint", EVIL],
    "a task": ["evaluate", "RUN", "--task", EVIL],
    "a format": ["predict", "RUN", "--in", f"FOLDER/{FILE}"],
    "no run": ["resume", "FOLDER"],
    "leave": ["resume", "RUN", "--set", "training.length=3st", "--allow", EVIL],
    "no model": ["convert", "FOLDER"],
    "no export": ["export", "RUN", "--out", "FOLDER/model"],
    "an address": ["cache", "rm", EVIL],
    "a plugin to check": ["check", EVIL],
    "an object to check": ["check", f"{EVIL}:X"],
    "a plugin": ["plugins", EVIL],
    "a kind": ["new", EVIL, "x"],
    "a name": ["new", "head", EVIL],
    "a way to resume": ["run", "RECIPE", "--resume", EVIL],
}


def words(place, asked):
    known = {"RECIPE": place.recipe, "RUN": place.run, "ROWS": place.rows, "FOLDER": place.folder}
    return [re.sub("|".join(known), lambda found: str(known[found[0]]), word) for word in asked]


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command(place, ended, name):
    assert ended(*words(place, COMMANDS[name])) == 0


@pytest.mark.parametrize("name", REFUSED)
def test_a_refusal(place, ended, name):
    assert ended(*words(place, REFUSED[name])) in (2, 5)


CHANGES = {
    "a key": ("seed = 3", f"seed = 3\n{QUOTED} = 1"),
    "an option": ('use = "tiny"', f'use = "tiny"\n{QUOTED} = 3'),
    "a table": ("[tasks.sentiment]", f"[tasks.{QUOTED}]"),
    "a name": ('name = "small"', f"name = {QUOTED}"),
    "a reference": ('data = "reviews"', f"data = {QUOTED}"),
    "a length": ('length = "2st"', f"length = {QUOTED}"),
    "a file": ('name = "small"', f"extends = {QUOTED}"),
    "a selector": ('freeze = ["heads"]', f"freeze = [{QUOTED}]"),
    "a column": ("[data.reviews]", f"[data.reviews]\ncolumns = {{ text = {QUOTED} }}"),
}


@pytest.mark.parametrize("command", ["validate", "plan"])
@pytest.mark.parametrize("name", CHANGES)
def test_a_mistake_in_a_recipe(place, ended, command, name):
    old, new = CHANGES[name]
    recipe = place.recipe.with_name("changed.toml")
    recipe.write_text(place.recipe.read_text().replace(old, new, 1))
    assert ended(command, recipe) in ((0, 2) if command == "validate" else (2,))


def test_a_plugin(tmp_path, ended):
    plugin = tmp_path / "mtlkit_evil_card.py"
    plugin.write_text(
        f"import mtlkit\nfrom attrs import frozen\nE = {EVIL!r}\n@frozen\nclass Options:\n    every: int = mtlkit.option(E, 1)\n"
        "def build(options, context):\n    raise KeyError(E)\n@mtlkit.hookimpl\ndef mtlkit_cards():\n"
        "    return [mtlkit.Card('head', 'evil-card', 'sum' + E, Options, build, paper=E, install=E, example={'every': E})]\n"
    )
    broken = tmp_path / "mtlkit_evil_broken.py"
    broken.write_text(f"raise ValueError({EVIL!r})")
    assert ended("plugins", "--plugin", plugin, "--plugin", broken) == 0
    assert ended("plugins", "evil-card", "--plugin", plugin) == 0
    assert ended("plugins", "evil-card", "--plugin", plugin, "--json") == 0
    recipe = write_recipe(tmp_path, more="")
    assert ended("plan", recipe, "--plugin", plugin, "--set", 'tasks.sentiment.head={use="evil-card"}') == 4


def test_the_picture_of_a_plan(place, ended):
    file = place.folder / "picture.svg"
    assert ended("plan", place.recipe, "--plot", file) == 0
    tags = {each.tag.rpartition("}")[2] for each in ET.parse(file).iter()}
    assert tags == {"svg", "title", "desc", "rect", "line", "text"}


NAMES = st.text(max_size=12) | st.sampled_from(
    [EVIL, "a|b", "[x](javascript:1)", "![](//x)", "<b>", "`x`", "\\|", "a\n# b"]
)


@given(st.lists(NAMES, max_size=4), NAMES)
def test_a_model_card_has_no_markup_of_strangers(metrics, reason):
    task = TaskModel("t", "sequence-classification", {}, (), (), None, (), None)
    scores = {f"t/{name}": 0.5 for name in metrics}
    trained = TrainedModel("run", None, (), (), (task,), {}, "step-00000002", scores)
    text = card(trained, [], [Left("t", reason)], {})
    rows = [line for line in text.split("\n") if line.startswith("| ")][1:]
    assert len(rows) == len(scores)
    for shown in [
        *(row[2 : row.rindex(" | 0.500 |")] for row in rows),
        text[text.rindex("as a whole: ") + 12 :].rstrip(),
    ]:
        assert re.sub(r"\\.", "", shown).isprintable()
        assert not set("`*[]<>|&!") & set(re.sub(r"\\[^\w]", "", shown))


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.just(10**400) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=4,
)


@given(st.lists(st.fixed_dictionaries(
    {"event": st.sampled_from(["Evaluated", "Selected", "RunEnded", "StoppedEarly", "Warned", "Resumed", "Skipped"])},
    optional=dict.fromkeys(["step", "steps", "split", "metrics", "low", "rows", "of", "metric", "score", "path", "reason", "message"], VALUES)
    | {"purpose": st.sampled_from(["start", "final"]) | VALUES},
), max_size=3))  # fmt: skip
def test_a_log_of_a_stranger_has_a_result_or_none(tmp_path_factory, lines):
    from mtlkit.cli.run import results_table

    folder = tmp_path_factory.getbasetemp() / "log"
    folder.mkdir(exist_ok=True)
    (folder / "events.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    clean(results_table(collected(folder).result(folder, lambda: None)))


def test_events_fit_their_own_classes():
    assert fits(CLASSES["Evaluated"], {"step": 1, "split": "test", "purpose": "final", "metrics": {"a/b": 1}})
    assert not fits(CLASSES["Evaluated"], {"metrics": {"a/b": "1"}})
    assert not fits(CLASSES["Evaluated"], {"purpose": "last"})
    assert not fits(CLASSES["RunEnded"], {"step": True})
    assert not fits(CLASSES["RunEnded"], {"stop": 1})


@pytest.mark.parametrize("content", [b"", b"[", b"[]", b'{"phases": 3}', b"[" * 200_000, b"\xff", None])
def test_a_plan_of_a_stranger_is_an_error(place, ended, tmp_path, content):
    file = place.run / "plan.json"
    whole = file.read_bytes()
    try:
        file.unlink() if content is None else file.write_bytes(content)
        assert ended("resume", place.run, "--json") in (0, 5)
    finally:
        file.write_bytes(whole)
