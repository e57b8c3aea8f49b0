"""Laws of the engine under a freeze policy: runs of generated models, interrupted in every way."""

from collections.abc import Iterable
from copy import deepcopy
from typing import Any

from hypothesis import strategies as st

from mtlkit.builtin.lr.uniform import Uniform
from mtlkit.testing.law import Broken, Values, law, require
from mtlkit.testing.laws.freeze_cases import Table, known_tables, make, named_tasks, option_tables
from mtlkit.testing.machine import LawBroken, rules, train_under
from mtlkit.testing.models import model_specs
from mtlkit.testing.strategies.optimizers import optimizers
from mtlkit.testing.subject import Subject

PLAN = ("F10", "F20", "L3", "L8")
"""Laws of the machine that say that a plan asked for again is another one."""
FEW = 3


def _piece(kind: str, frozen: bool = False) -> dict[str, Any]:
    return {"kind": kind, "of": 0, "frozen": frozen}


MODEL: dict[str, Any] = {
    "seed": 1,
    "embeddings": [_piece("dropout")],
    "blocks": {
        "1": [_piece("batchnorm"), _piece("linear")],
        "10": [_piece("same"), _piece("scalar", frozen=True)],
    },
    "final": [_piece("norm"), _piece("empty")],
    "heads": {"news": [_piece("twin")], "news_1": [_piece("linear")]},
}
STEP = {"do": "step", "micro": 2, "clear": "leave"}
RULES: list[dict[str, Any]] = [
    {"do": "report", "metric": "news/accuracy", "value": 0.5},
    STEP,
    {"do": "checkpoint"},
    {"do": "replan"},
    STEP,
    {"do": "stale", "value": 1.0},
    {"do": "report", "metric": "news/accuracy", "value": 0.5},
    {**STEP, "clear": "zero"},
    {"do": "checkpoint"},
    {"do": "evaluate"},
    STEP,
    {"do": "restore", "which": 0, "into": "same"},
    STEP,
    {"do": "skip", "micro": 1, "how": "nan"},
    {"do": "flip", "what": "flag", "at": 3},
    {"do": "flip", "what": "mode", "at": 5},
    *[STEP] * 3,
    {"do": "restore", "which": 0, "into": "fresh"},
    *[STEP] * 7,
]
ADAMW = {"kind": "AdamW", "options": {}, "decay": 0.1, "foreach": False}
MOMENTUM = {"kind": "SGD", "options": {"momentum": 0.9, "nesterov": True}, "decay": 0.1, "foreach": True}


def trials(subject: Subject) -> st.SearchStrategy[Values]:
    """An options table, a model, what happens to its run, and an optimizer."""
    return st.fixed_dictionaries(
        {
            "options": option_tables(subject),
            "model": model_specs(),
            "rules": rules(),
            "optimizer": optimizers(),
        }
    )


def plain_trials(subject: Subject) -> Iterable[Values]:
    """Some of the known options on a model with ties, statistics and a weight frozen by its author."""
    for options, optimizer in zip(known_tables(subject)[:FEW], (ADAMW, MOMENTUM, ADAMW), strict=False):
        yield {"options": options, "model": MODEL, "rules": RULES, "optimizer": optimizer}


@law(
    "F20",
    why="a run that was stopped and goes on must freeze and thaw as if nothing had happened",
    mistake="a phase that depends on what the object was asked before instead of on the progress alone",
    given=trials,
    corners=plain_trials,
    share=0.2,
)
def a_restored_run_finds_its_phase(
    subject: Subject,
    options: Table,
    model: dict[str, Any],
    rules: list[dict[str, Any]],
    optimizer: dict[str, Any],
) -> None:
    """After any restore, at every step the same weights train as in a run that nobody interrupted."""
    found, message = _trained(subject, options, model, rules, optimizer)
    require(found not in PLAN, message)


@law(
    "R1",
    why="frozen means frozen bit for bit, and resuming is exact, whatever happens to a run under the policy",
    mistake="state in the policy; the message names the law of the engine that broke",
    given=trials,
    corners=plain_trials,
    share=0.2,
)
def runs_under_it_are_exact(
    subject: Subject,
    options: Table,
    model: dict[str, Any],
    rules: list[dict[str, Any]],
    optimizer: dict[str, Any],
) -> None:
    """Nothing frozen moves, and a run that was interrupted ends with the bytes of one that was not."""
    found, message = _trained(subject, options, model, rules, optimizer)
    require(not found, f"{found}: {message}")


def _trained(
    subject: Subject,
    options: Table,
    model: dict[str, Any],
    rules: list[dict[str, Any]],
    optimizer: dict[str, Any],
) -> tuple[str, str]:
    """The law that broke, and how; both laws try the same runs, so each run is made once."""
    runs = subject.memory.setdefault("freezing", {})
    key = repr((options, model, rules, optimizer))
    if key not in runs:
        runs[key] = _run(subject, options, model, rules, optimizer)
    found: tuple[str, str] = runs[key]
    return found


def _run(
    subject: Subject,
    options: Table,
    model: dict[str, Any],
    rules: list[dict[str, Any]],
    optimizer: dict[str, Any],
) -> tuple[str, str]:
    policy = make(subject, options)
    tasks = named_tasks(policy)
    if any("." in task for task in tasks):
        return "", ""  # no module can have that name
    fitted = deepcopy(model)
    fitted["heads"] |= {task: [_piece("linear")] for task in tasks if task not in fitted["heads"]}
    try:
        train_under(fitted, rules, [policy], Uniform(0.01), optimizer)
    except LawBroken as broken:
        return broken.law, broken.message
    except Broken as broken:
        return "R1", str(broken)
    return "", ""
