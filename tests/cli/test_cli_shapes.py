"""What the commands write for machines, and what they leave with."""

import json
from pathlib import Path

import pytest

from mtlkit.catalog.discover import open_catalog
from mtlkit.cli.main import _code
from mtlkit.contracts.card import KINDS

ROOT = Path(__file__).parents[2]
BASE = str(ROOT / "recipes" / "scenarios" / "base.toml")
SHORT = ["--set", "training.length=3st"]


def spoken(capsys, *arguments: str, code: int = 0):
    assert _code(list(arguments)) == code
    return json.loads(capsys.readouterr().out)


def test_run(capsys, tmp_path):
    found = spoken(capsys, "run", BASE, *SHORT, "--out", str(tmp_path), "--json")
    assert {"run", "steps", "metrics", "phases", "frozen"} <= set(found)
    assert (found["steps"], found["frozen"]) == (3, "unchanged")
    assert Path(found["run"]).parent == tmp_path / "base"
    assert (Path(found["run"]) / "plan.json").is_file()
    assert {name.partition("/")[0] for name in found["metrics"]} == {"embedding", "sentiment"}
    for metric in found["metrics"].values():
        assert {"value", "low", "high", "start"} <= set(metric)
        assert metric["low"] <= metric["value"] <= metric["high"]
    assert found["phases"] == json.loads((Path(found["run"]) / "plan.json").read_text())["phases"]


def test_run_for_people(capsys, tmp_path):
    assert _code(["run", BASE, *SHORT, "--out", str(tmp_path)]) == 0
    lines = capsys.readouterr().out.split("\n")
    assert [word.strip() for word in lines[1].split("  ") if word] == [
        "task", "metric", "value", "95 % interval", "untrained", "rows",
    ]  # fmt: skip
    assert "3 steps; frozen weights: unchanged, bit for bit; results on test rows" in lines


def test_plan(capsys):
    found = spoken(capsys, "plan", BASE, *SHORT, "--set", "freeze.use=backbone", "--json")
    assert {"steps", "groups", "phases", "rates"} <= set(found)
    [group], [phase] = found["groups"], found["phases"]
    assert {"name", "weights", "count"} <= set(group)
    assert group["count"] == len(group["weights"]) == 32
    assert {"name", "start", "end", "frozen", "trainable"} <= set(phase)
    assert sorted(phase["frozen"] + phase["trainable"]) == sorted(group["weights"])
    assert found["rates"] == {"all": [[0, 1e-3], [1, 1e-3], [2, 1e-3]]}
    assert found["estimate"]["seconds"] >= 0
    assert found["estimate"]["bytes"] > 0


def test_params_lists_every_weight(capsys):
    weights = spoken(capsys, "plan", BASE, *SHORT, "--json")["groups"][0]["weights"]
    assert _code(["plan", BASE, *SHORT, "--set", "freeze.use=backbone", "--params"]) == 0
    listed = [
        line.split() for line in capsys.readouterr().out.partition("\nweights ")[2].split("\n")[1:] if line
    ]
    assert [words[1] for words in listed] == weights
    assert all(words[0] == ("T" if words[1].startswith("heads.") else "-") for words in listed)


def test_plugins(capsys):
    found = spoken(capsys, "plugins", "--json")
    keys = {"kind", "name", "summary", "distribution", "version"}
    assert all(set(each) == keys and all(isinstance(each[key], str) for key in keys) for each in found)
    assert {each["kind"] for each in found} == set(KINDS)
    ours = {(each["kind"], each["name"]) for each in found if each["distribution"] == "mtlkit"}
    assert ("freeze", "gradual-unfreeze") in ours
    assert len(ours) == len([each for each in found if each["distribution"] == "mtlkit"])


def test_one_plugin(capsys):
    [found] = spoken(capsys, "plugins", "bottom-layers", "--json")
    assert {option["name"] for option in found["options"]} == {"layers", "share", "embeddings"}
    assert _code(["plugins", "bottom-layers"]) == 0
    assert "how many blocks are frozen, counted from the input" in capsys.readouterr().out
    assert _code(["plugins", "bottom-layer"]) == 2
    assert capsys.readouterr().err == "there is no plugin 'bottom-layer'  did you mean 'bottom-layers'?\n"


def test_validate(capsys):
    assert spoken(capsys, "validate", BASE, "--json") == {"problems": []}
    found = spoken(capsys, "validate", BASE, "--set", "training.lenght=3ep", "--json", code=2)
    assert found == {
        "problems": [
            {
                "file": "--set",
                "line": 0,
                "column": 0,
                "path": "training.lenght",
                "message": "unknown key 'lenght'",
                "suggestion": "did you mean 'length'?",
            }
        ]
    }


def test_the_schema_has_every_option_of_every_plugin(capsys):
    schema = spoken(capsys, "schema")
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    listed = {
        (kind, each["properties"]["use"]["const"]): set(each["properties"])
        for kind in KINDS
        for each in schema["$defs"][f"{kind}-plugin"]["oneOf"]
    }
    entries = [entry for kind in KINDS for entry in open_catalog().of(kind)]
    assert len(entries) >= 30
    for entry in entries:
        options = spoken(capsys, "plugins", entry.card.name, "--json")
        [mine] = [each for each in options if each["kind"] == entry.card.kind]
        assert {option["name"] for option in mine["options"]} <= listed[entry.card.kind, entry.card.name]


def test_every_reference_of_the_schema_leads_somewhere(capsys):
    schema = spoken(capsys, "schema")
    found: list[str] = []

    def walk(value: object) -> None:
        if isinstance(value, dict):
            found.extend([value["$ref"]] if isinstance(value.get("$ref"), str) else [])
            value = list(value.values())
        for inner in value if isinstance(value, list) else ():
            walk(inner)

    walk(schema)
    assert found
    assert {reference.removeprefix("#/$defs/") for reference in found} <= set(schema["$defs"])


@pytest.mark.parametrize("command", ["run", "validate", "plan", "plugins", "check", "new", "schema"])
def test_every_command_has_help_with_examples(capsys, command):
    assert _code([command, "--help"]) == 0
    assert f"mtlkit {command}" in capsys.readouterr().out.partition("Examples:")[2]
