"""The loss over whole steps: a run whose steps are encoded in parts learns what one in whole steps learns."""

import json
from pathlib import Path

import pytest

import mtlkit

RECIPE = Path(__file__).parents[2] / "recipes" / "heads" / "embedding-cached.toml"
PARTS = "batch_size = 16\naccumulate = 4"


def losses(folder, **changes):
    """The losses of the steps of a run."""
    text = RECIPE.read_text(encoding="utf-8").replace('"data/', f'"{RECIPE.parent}/data/')
    for old, new in {**changes, 'length = "20ep"': 'length = "6st"'}.items():
        assert old in text
        text = text.replace(old, new)
    folder.mkdir()
    file = folder / "recipe.toml"
    file.write_text(text, encoding="utf-8")
    result = mtlkit.run(mtlkit.plan(mtlkit.load(file)), folder / "out")
    events = [json.loads(line) for line in (result.run_dir / "events.jsonl").read_text().splitlines()]
    return [each["losses"]["search"] for each in events if "losses" in each]


def test_parts_with_one_loss_are_as_good_as_a_whole_batch(tmp_path):
    parts = losses(tmp_path / "parts")
    whole = losses(tmp_path / "whole", **{PARTS: "batch_size = 64"})
    apart = losses(tmp_path / "apart", **{", cached = true": ""})
    assert len(parts) == len(whole) >= 1
    assert parts == pytest.approx(whole, abs=1e-4)
    # Without it, each part has a quarter of the negatives and a loss that is lower by about ln 4.
    assert all(one < other - 0.7 for one, other in zip(apart, whole, strict=True))
