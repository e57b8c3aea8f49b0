"""What `mtlkit plugins` shows of one plugin: options, units, bounds, source, and a recipe that is valid."""

import json
import sys
import tomllib
from pathlib import Path

import pytest

from mtlkit.catalog.discover import open_catalog
from mtlkit.catalog.options import make_options
from mtlkit.cli.main import _code
from mtlkit.cli.snippet import snippet
from mtlkit.contracts.card import API_LEVEL, KINDS
from mtlkit.plan.resolve import DATA_KEYS, LR_KEYS, _places

PLUGIN = """
from collections.abc import Mapping
from typing import Annotated

import mtlkit
from annotated_types import Ge, Gt, Le, Lt
from attrs import frozen

@frozen
class Step:
    until: mtlkit.Duration = mtlkit.option("when it ends")

@frozen
class Everything(mtlkit.FreezePolicy):
    '''All that an option may be.

    Second paragraph.
    '''

    blocks: Annotated[int, Ge(1), Le(9)] = mtlkit.option("how many", unit="blocks")
    share: Annotated[float, Gt(0), Lt(1)] | None = mtlkit.option("which part", None)
    wait: mtlkit.Duration = mtlkit.option("how long", mtlkit.Duration(3, "ep"))
    steps: tuple[Step, ...] = mtlkit.option("the steps", ())
    rates: Mapping[str, Annotated[float, Ge(0)]] = mtlkit.option("by task", {}, unit="rate")

@mtlkit.hookimpl
def mtlkit_cards():
    return [
        mtlkit.Card("freeze", "everything", "shows all", Everything, paper="A & B 2020, C", example={"blocks": 2}),
        mtlkit.Card("freeze", "later", "of another level", Everything, api=99),
    ]
"""


@pytest.fixture
def plugin(tmp_path):
    file = tmp_path / "mtlkit_test_everything.py"
    file.write_text(PLUGIN)
    yield str(file)
    sys.modules.pop(file.stem, None)


def test_one_plugin_for_machines(capsys, plugin):
    assert _code(["plugins", "everything", "--plugin", plugin, "--json"]) == 0
    [found] = json.loads(capsys.readouterr().out)
    options = {each["name"]: each for each in found.pop("options")}
    assert found == {
        "kind": "freeze",
        "name": "everything",
        "summary": "shows all",
        "distribution": "mtlkit_test_everything.py",
        "version": "",
        "api": API_LEVEL,
        "paper": "A & B 2020, C",
        "help": "All that an option may be.\n\nSecond paragraph.",
        "recipe": '[[freeze]]\nuse = "everything"\nblocks = 2',
    }
    length = "epochs, steps or %: 3ep, 500st, 10%"
    until = {
        "name": "until", "type": "duration", "default": None, "required": True, "unit": length,
        "bounds": {}, "help": "when it ends",
    }  # fmt: skip
    shown = {
        "blocks": ("integer", None, True, "blocks", {"ge": 1, "le": 9}, "how many", []),
        "share": ("number", None, False, "", {"gt": 0, "lt": 1}, "which part", []),
        "wait": ("duration", "3ep", False, length, {}, "how long", []),
        "steps": ("list of table", [], False, "", {}, "the steps", [until]),
        "rates": ("table of number", {}, False, "rate", {"ge": 0}, "by task", []),
    }
    keys = ("type", "default", "required", "unit", "bounds", "help")
    assert {
        name: (*(each[key] for key in keys), each.get("fields", [])) for name, each in options.items()
    } == shown


def test_one_plugin_for_people(capsys, plugin):
    assert _code(["plugins", "everything", "--plugin", plugin]) == 0
    shown = capsys.readouterr()
    assert (
        shown.out
        == """\
freeze everything: shows all
from mtlkit_test_everything.py, plugin API level 1
paper: A & B 2020, C

All that an option may be.

Second paragraph.

option       type             default   unit                                 bounds    meaning
blocks       integer          required  blocks                               ≥ 1, ≤ 9  how many
share        number           -                                              > 0, < 1  which part
wait         duration         "3ep"     epochs, steps or %: 3ep, 500st, 10%            how long
steps        list of table    []                                                       the steps
steps.until  duration         required  epochs, steps or %: 3ep, 500st, 10%            when it ends
rates        table of number  {}        rate                                 ≥ 0       by task

in a recipe:

    [[freeze]]
    use = "everything"
    blocks = 2
"""
    )
    assert shown.err == (
        f"mtlkit_test_everything.py ({plugin}): the freeze 'later' was written for plugin API level 99, "
        "and this mtlkit has level 1: upgrade mtlkit\n"
    )


def test_failures_go_to_standard_error_and_the_rest_is_listed(capsys, plugin, tmp_path):
    broken = tmp_path / "mtlkit_test_broken.py"
    broken.write_text("raise RuntimeError('boom')")
    assert _code(["plugins", "--plugin", str(broken), "--plugin", plugin]) == 0
    shown = capsys.readouterr()
    header, *rows = shown.out.splitlines()
    assert header.split() == ["kind", "name", "summary", "distribution", "version"]
    assert any(row.split()[:2] == ["freeze", "everything"] for row in rows)
    assert not any(row.split()[1] == "later" for row in rows)
    assert (
        f"the plugins of mtlkit_test_broken.py failed to load ({broken}): RuntimeError: boom\n" in shown.err
    )


def test_a_plugin_is_also_found_by_its_distribution(capsys):
    assert _code(["plugins", "mtlkit:uniform", "--json"]) == 0
    assert {each["kind"] for each in json.loads(capsys.readouterr().out)} == {"lr", "sampler"}


ENTRIES = [entry for kind in KINDS for entry in open_catalog().of(kind) if entry.distribution == "mtlkit"]


def test_all_of_ours_are_tried():
    assert len(ENTRIES) >= 37
    assert {entry.card.kind for entry in ENTRIES} == set(KINDS)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: f"{entry.card.kind}-{entry.card.name}")
def test_the_snippet_chooses_the_plugin_with_valid_options(entry):
    card = entry.card
    recipe = tomllib.loads(snippet(card.kind, card.name, card.example))
    [table] = [
        table
        for kind, path, table in _places(recipe)
        if kind == card.kind and table.get("use") == card.name and _written(recipe, path)
    ]
    curve = LR_KEYS if card.kind == "lr" else set()
    options = {key: value for key, value in table.items() if key not in {"use"} | curve}
    assert card.kind != "data" or not DATA_KEYS & set(options)
    assert options == card.example
    make_options(entry, options, Path())


def _written(recipe, path):
    """Whether the snippet itself has that place: trackers that are always on have one too."""
    return path[0] in recipe


def test_snippets_quote_what_needs_it():
    example = {"a b": {"c.d": [1, 2.5e-7, True, {}]}, "text": 'q"\n\x7f\\', "none": [], "deep": [[1], []]}
    places = {
        "head": ("tasks", "mine", "head"), "data": ("data", "mine"), "freeze": ("freeze", 0), "regularizer": ("regularizer", 0),
        "curve": ("lr", "curve"), "tracker": ("logging", "trackers", "x.y"),
    }  # fmt: skip
    for kind in KINDS:
        found = tomllib.loads(snippet(kind, "x.y", example))
        for part in places.get(kind, (kind,)):
            found = found[part]
        assert found == {"use": "x.y", **example}
