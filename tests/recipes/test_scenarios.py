"""The founding scenarios: each is planned as it says, runs, and moves exactly the weights it may move."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

import mtlkit
from mtlkit.cli.main import _code
from mtlkit.engine.session import open_session

ROOT = Path(__file__).parents[2]
SCENARIOS = ROOT / "recipes" / "scenarios"
RECIPES = sorted(path for path in SCENARIOS.rglob("*.toml") if path.name != "base.toml")
BASE = 'extends = "base.toml"'
STEPS = 24


def part(name: str) -> str:
    """The part of the tiny model with these two heads that a weight belongs to, by its name alone."""
    if name.startswith("heads."):
        return f"head.{name.split('.')[1]}"
    block = name.removeprefix("backbone.blocks.")
    return "embeddings" if block == name else f"block {block.partition('.')[0]}"


PARTS = frozenset({"embeddings", "block 0", "block 1", "head.embedding", "head.sentiment"})
FROZEN = {
    "freeze-all": PARTS,
    "freeze-backbone": {"embeddings", "block 0", "block 1"},
    "freeze-head-sentiment": {"head.sentiment"},
    "freeze-head-embedding": {"head.embedding"},
    "freeze-bottom-layers": {"embeddings", "block 0"},
    "layer-wise-rates": frozenset(),
}
WARNINGS = {
    "freeze-all": ("phase-1: every weight is frozen, nothing will train",),
    "freeze-head-sentiment": (
        "freeze: the head of task 'sentiment' never trains",
        "the head of task 'sentiment' was frozen while the backbone trained: sentiment/",
    ),
    "freeze-head-embedding": (
        "freeze: the head of task 'embedding' never trains",
        "the head of task 'embedding' was frozen while the backbone trained: embedding/",
    ),
}
RATES = {
    "embeddings": 1e-3,
    "block 0": 5e-3,
    "block 1": 5e-3,
    "head.embedding": 1e-2,
    "head.sentiment": 1e-2,
}


def named(path: Path) -> str:
    return path.stem


def test_all_scenarios_are_covered():
    assert [path.stem for path in RECIPES] == sorted(FROZEN)
    assert len(RECIPES) == 6


@pytest.mark.parametrize("path", RECIPES, ids=named)
def test_every_scenario_is_the_base_and_one_change(path):
    assert BASE in path.read_text(encoding="utf-8").splitlines()
    recipe = mtlkit.load(path).recipe
    base = mtlkit.load(SCENARIOS / "base.toml").recipe
    assert recipe.name == path.stem
    same = ("seed", "backbone", "data", "tasks", "optimizer", "sampler", "balancer", "training")
    assert [getattr(recipe, key) for key in same] == [getattr(base, key) for key in same]
    assert (recipe.freeze == base.freeze) == (path.stem == "layer-wise-rates")
    assert (recipe.lr == base.lr) == (path.stem != "layer-wise-rates")


@pytest.mark.parametrize("path", RECIPES, ids=named)
def test_the_plan_of_every_scenario(path, capsys):
    assert _code(["plan", str(path), "--json"]) == 0
    plan = json.loads(capsys.readouterr().out)
    weights = [name for group in plan["groups"] for name in group["weights"]]
    assert len(weights) == len(set(weights)) == sum(group["count"] for group in plan["groups"])
    assert {part(name) for name in weights} == PARTS

    frozen = FROZEN[path.stem]
    [phase] = plan["phases"]
    assert plan["steps"] == STEPS
    assert (phase["start"], phase["end"]) == (0, STEPS)
    assert set(phase["frozen"]) == {name for name in weights if part(name) in frozen}
    assert set(phase["trainable"]) == {name for name in weights if part(name) not in frozen}

    wise = path.stem == "layer-wise-rates"
    names = {"embeddings", "blocks", "head.embedding", "head.sentiment"} if wise else {"all"}
    assert {group["name"] for group in plan["groups"]} == set(plan["rates"]) == names
    for group in plan["groups"]:
        asked = {RATES[part(name)] if wise else 1e-3 for name in group["weights"]}
        if all(part(name) in frozen for name in group["weights"]):
            asked = {0.0}
        assert len(asked) == 1
        assert plan["rates"][group["name"]] == [[step, next(iter(asked))] for step in range(STEPS)]


def test_layer_wise_rates_are_the_founding_numbers(capsys):
    assert _code(["plan", str(SCENARIOS / "layer-wise-rates.toml"), "--json"]) == 0
    rates = json.loads(capsys.readouterr().out)["rates"]
    assert {group: {rate for _, rate in series} for group, series in rates.items()} == {
        "embeddings": {0.001},
        "blocks": {0.005},
        "head.embedding": {0.01},
        "head.sentiment": {0.01},
    }


@pytest.mark.parametrize("path", RECIPES, ids=named)
def test_every_scenario_moves_what_it_may_and_nothing_else(path, tmp_path):
    plan = mtlkit.plan(mtlkit.load(path))
    handles = open_session(mtlkit.api.preview(plan)).handles
    before = {name: weight.parameters[0].detach().clone() for name, weight in handles.weights.items()}
    result = mtlkit.run(plan, tmp_path)
    checkpoint = result.run_dir / "checkpoints" / f"step-{STEPS:08d}"
    after = load_file(checkpoint / "weights.safetensors")

    assert (result.steps, result.frozen, result.split) == (STEPS, "unchanged", "test")
    assert {name for name in after if not name.startswith("buffer:")} == set(before)
    equal = {name for name in before if torch.equal(before[name].cpu(), after[name])}
    assert equal == {name for name in before if part(name) in FROZEN[path.stem]}
    assert {name.partition("/")[0] for name in result.metrics} == {"embedding", "sentiment"}
    assert all(metric.low <= metric.value <= metric.high for metric in result.metrics.values())

    nothing = path.stem == "freeze-all"
    for told, begin in zip(result.warnings, WARNINGS.get(path.stem, ()), strict=True):
        assert told.startswith(begin)
    if nothing:
        assert all(metric.value == metric.start for metric in result.metrics.values())
    else:
        assert any(metric.value != metric.start for metric in result.metrics.values())
