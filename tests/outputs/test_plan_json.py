"""The plan as JSON and as text."""

import json
from pathlib import Path

import pytest

import mtlkit
from mtlkit.api import preview
from mtlkit.outputs.plan_json import EVERY_STEP_UP_TO, plan_document, plan_json
from mtlkit.outputs.plan_text import plan_text, weights_text

BASE = Path(__file__).parents[2] / "recipes" / "scenarios" / "base.toml"
PHASES = 'freeze={ use = "phases", phases = [{ until = "1777st", freeze = ["backbone"] }, {}] }'


def previewed(length: str, *settings: str):
    return preview(mtlkit.plan(mtlkit.load(BASE, [f"training.length={length}", *settings])))


def document(found):
    return plan_document(found.timeline, found.moments, found.phases)


@pytest.mark.parametrize("steps", [1, 7, EVERY_STEP_UP_TO])
def test_every_step_of_a_short_run(steps):
    found = previewed(f"{steps}st", "lr.curve=linear")
    rates = document(found)["rates"]["all"]
    assert [step for step, _ in rates] == list(range(steps))
    assert [rate for _, rate in rates] == [moment.rates["all"] for moment in found.moments]


def test_a_long_run_is_sampled_with_its_ends_and_borders():
    found = previewed("5001st", PHASES, "lr.curve=linear")
    rates = document(found)["rates"]["all"]
    steps = [step for step, _ in rates]
    assert EVERY_STEP_UP_TO <= len(steps) <= EVERY_STEP_UP_TO + 4
    assert steps == sorted(set(steps))
    assert {0, 1776, 1777, 5000} <= set(steps)
    assert max(after - before for before, after in zip(steps, steps[1:], strict=False)) <= 3
    assert all(rate == found.moments[step].rates["all"] for step, rate in rates)


def test_the_text_is_the_document():
    found = previewed("3st")
    assert json.loads(plan_json(found.timeline, found.moments, found.phases)) == document(found)


def text(found) -> str:
    rows = {name: len(data.splits["train"]) for name, data in found.data.items()}
    return plan_text(found.timeline, found.moments, found.phases, rows, "costs nothing")


def test_the_plan_for_people():
    found = previewed("2000st", PHASES.replace("1777", "1000"))
    shown = text(found)
    assert "2,000 steps, 12 an epoch; training rows: questions 89, opinions 91" in shown
    assert "estimate: costs nothing" in shown
    assert "steps 0–1,000  4 weights train (1.3 % of the numbers), 28 frozen" in shown
    assert "steps 1,000–2,000  32 weights train (100.0 % of the numbers), 0 frozen" in shown
    assert "warning" not in shown
    assert "backbone.blocks.0.up.bias" not in shown
    assert "backbone.blocks.0.up.bias" in weights_text(found.timeline, found.phases)


def test_every_group_has_its_highest_rate_and_its_last():
    rates = 'lr={ use = "layer-wise", embeddings = 1e-3, blocks = 5e-3, heads = 1e-2, curve = "linear" }'
    found = previewed("120st", PHASES.replace("1777", "60"), rates)
    listed = text(found).partition("\nrates\n")[2].split("\n")
    lines = dict(line.strip().split(maxsplit=1) for line in listed)
    assert set(lines) == set(found.timeline.groups)
    assert lines["blocks"] == "peak 2.50e-03, last 4.17e-05"
    assert lines["head.sentiment"] == "peak 1.00e-02, last 8.33e-05"


def test_nothing_trains_is_said():
    assert "nothing will train" in text(previewed("2st", "freeze.use=all"))
