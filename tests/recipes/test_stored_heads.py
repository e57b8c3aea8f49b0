"""With stored activations every head learns what it learns with none, to 1e-5, under policies that freeze."""

import tomllib
from pathlib import Path

import pytest

import mtlkit
from mtlkit.catalog.discover import open_catalog
from mtlkit.contracts.events import StepDone
from mtlkit.engine.features import Encoder

HEADS = Path(__file__).parents[2] / "recipes" / "heads"
ELSEWHERE = {"image-classification"}
"""Recipes that need a plugin."""
NAMES = sorted({path.stem for path in HEADS.glob("*.toml")} - ELSEWHERE)
POLICIES = {"backbone": '{ use = "backbone" }', "bottom-layers": '{ use = "bottom-layers", layers = 1 }'}
NOTHING_TRAINS = '{ use = "all" }'
"""For recipes whose heads have no weights, where the backbone is frozen."""
WEIGHTLESS = {name for name in NAMES if name.startswith("embedding-")} | {"prototype"}
SHORT = ("training.length=3st", "training.evaluate_every=false", "training.checkpoint_every=false")


def trained(name, policy, folder):
    """Losses of every step, and the metrics at the end."""
    weightless = policy == "backbone" and name in WEIGHTLESS
    freeze = NOTHING_TRAINS if weightless else POLICIES[policy]
    plan = mtlkit.plan(mtlkit.load(HEADS / f"{name}.toml", [*SHORT, f"freeze=[{freeze}]"]))
    losses = []

    def on_event(event):
        if isinstance(event, StepDone):
            losses.extend(event.losses.items())

    result = mtlkit.run(plan, folder, on_event=on_event)
    return losses, {metric: score.value for metric, score in result.metrics.items()}


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("name", NAMES)
def test_a_stored_backbone_gives_what_one_without_store_gives(name, policy, tmp_path, monkeypatch):
    monkeypatch.setenv("MTLKIT_CACHE", str(tmp_path / "cache"))
    stored = trained(name, policy, tmp_path / "stored")
    monkeypatch.setattr(Encoder, "_storable", False)
    computed = trained(name, policy, tmp_path / "computed")
    assert stored[0] or (policy == "backbone" and name in WEIGHTLESS)
    assert stored[1]
    assert [task for task, _ in stored[0]] == [task for task, _ in computed[0]]
    for (task, mine), (_, theirs) in zip(stored[0], computed[0], strict=True):
        assert mine == pytest.approx(theirs, rel=1e-5, abs=1e-5), task
    assert stored[1] == pytest.approx(computed[1], rel=1e-4, abs=1e-4, nan_ok=True)


def test_all_heads_are_covered():
    used = {
        task["head"]["use"]
        for name in NAMES
        for task in tomllib.loads((HEADS / f"{name}.toml").read_text(encoding="utf-8"))["tasks"].values()
    }
    shipped = {entry.card.name for entry in open_catalog().of("head") if entry.distribution == "mtlkit"}
    assert used == shipped - ELSEWHERE
