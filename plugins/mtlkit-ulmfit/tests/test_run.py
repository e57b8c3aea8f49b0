"""All three plugins in one recipe, installed and run."""

import json
import math

import mtlkit
import pytest

PER_EPOCH, BLOCKS, TOTAL = 4, 3, 28  # 64 rows in batches of 16, seven epochs
PEAK, FACTOR, RATIO = 0.01, 2.6, 32
RECIPE = """
name = "ulmfit"
seed = 3

[backbone]
use = "tiny"
blocks = 3
hidden_size = 16

[data.things]
use = "csv"
path = "things.csv"
split = { test = 0.2 }

[tasks.size]
data = "things"
head = { use = "sequence-classification", text = "text", label = "label" }

[freeze]
use = "ulmfit-chain-thaw"
every = "1ep"

[lr]
use = "ulmfit-discriminative"
peak = 0.01
curve = { use = "ulmfit-slanted-triangular" }

[training]
length = "7ep"
batch_size = 16
"""


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """The result of the run and its events."""
    folder = tmp_path_factory.mktemp("ulmfit")
    sizes = ("big", "small")
    rows = [f"{sizes[number % 2]} thing number {number},{sizes[number % 2]}" for number in range(80)]
    (folder / "things.csv").write_text("\n".join(["text,label", *rows]))
    (folder / "recipe.toml").write_text(RECIPE)
    plan, events = mtlkit.plan(mtlkit.load(folder / "recipe.toml")), []
    result = mtlkit.run(plan, folder / "runs", on_event=events.append)
    return result, events


def named(events, name):
    return [event for event in events if type(event).__name__ == name]


def expected_part(stage):
    """What stage 0…5 trains, as a test on weight names; stage 5 is everything."""
    starts = ["heads.", "backbone.embeddings.", *(f"backbone.blocks.{n}." for n in range(BLOCKS)), ""]
    return starts[stage]


def test_phases_begin_with_the_stages(ran):
    result, events = ran
    assert result.steps == TOTAL
    assert result.frozen == "unchanged"
    phases = named(events, "PhaseStarted")
    assert [(phase.step, phase.end) for phase in phases] == [
        (0, 4),
        (4, 8),
        (8, 12),
        (12, 16),
        (16, 20),
        (20, 28),
    ]
    weights = {phase.trainable + phase.frozen for phase in phases}
    assert len(weights) == 1
    assert phases[-1].frozen == 0
    assert sum(phase.trainable for phase in phases[:-1]) == phases[-1].trainable


def test_the_plan_names_what_each_stage_trains(ran):
    result, _ = ran
    phases = json.loads((result.run_dir / "plan.json").read_text())["phases"]
    assert [phase["start"] for phase in phases] == [0, 4, 8, 12, 16, 20]
    everything = set(phases[-1]["trainable"])
    assert len(everything) > 20
    final = {name for name in everything if name.startswith("backbone.final")}
    for stage, phase in enumerate(phases):
        part = {name for name in everything if name.startswith(expected_part(stage))}
        assert part
        assert set(phase["trainable"]) == part | (final if stage == BLOCKS + 1 else set())


def stlr(t):
    cut = math.floor(TOTAL * 0.1)
    p = t / cut if t < cut else 1 - (t - cut) / (cut * (1 / 0.1 - 1))
    return (1 + max(0, p) * (RATIO - 1)) / RATIO


def test_the_rates_of_every_step(ran):
    _, events = ran
    steps = named(events, "StepDone")
    assert [event.step for event in steps] == list(range(1, TOTAL + 1))
    layers = ["head.size", "embeddings/3", "block 1/3", "block 2/3", "block 3/3"]
    powers = [0, 4, 3, 2, 1]
    for at, event in enumerate(steps):
        stage = at // PER_EPOCH
        for turn, (layer, power) in enumerate(zip(layers, powers, strict=True)):
            trains = turn == stage or stage >= len(layers)
            rate = PEAK / FACTOR**power * stlr(at) if trains else 0
            assert event.rates[layer] == pytest.approx(rate, rel=1e-12)
    assert steps[2].rates["head.size"] == pytest.approx(PEAK, rel=1e-12)
