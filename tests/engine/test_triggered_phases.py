"""Phases that a measured metric begins, in real runs."""

from pathlib import Path

import pytest

import mtlkit
from mtlkit.contracts.events import Evaluated, PhaseStarted

BASE = Path(__file__).parents[2] / "recipes" / "scenarios" / "base.toml"
SETTINGS = (
    "training.length=24st",
    "training.evaluate_every=6st",
    "data.opinions.split={ test = 0.25, validation = 0.25 }",
)
NOW = '{ metric = "sentiment/accuracy", threshold = 0.0 }'
NEVER = '{ metric = "sentiment/accuracy", threshold = 1.5 }'
# No accuracy is better by a whole one, so that every evaluation but the first counts towards a plateau.
PLATEAU = '{ metric = "sentiment/accuracy", patience = 1, min_delta = 1.0 }'


def run(tmp_path, freeze):
    events = []
    mtlkit.run(mtlkit.plan(mtlkit.load(BASE, [*SETTINGS, freeze])), tmp_path, on_event=events.append)
    return events


@pytest.mark.parametrize(
    ("freeze", "begins"),
    [
        (f'freeze={{ use = "lp-ft", until = {NOW} }}', [(0, "probe"), (6, "everything")]),
        (f'freeze={{ use = "lp-ft", until = {NEVER} }}', [(0, "probe")]),
        (
            f'freeze={{ use = "lp-ft", until = {{ any = [{NEVER}, "9st"] }} }}',
            [(0, "probe"), (9, "everything")],
        ),
        (
            'freeze={ use = "unfreeze-on-plateau", metric = "sentiment/accuracy", patience = 1, min_delta = 1.0 }',
            [(0, "phase-1"), (12, "phase-2"), (18, "phase-3")],
        ),
        (
            'freeze={ use = "phases", phases = [{ name = "a", freeze = ["backbone"], until = '
            f'{PLATEAU} }}, {{ name = "b", until = {{ lasts = "3st" }} }}, '
            '{ name = "c", freeze = ["backbone"] }] }',
            [(0, "a"), (12, "b"), (15, "c")],
        ),
    ],
)
def test_phases_begin_right_after_the_evaluation_that_ends_the_one_before(tmp_path, freeze, begins):
    events = run(tmp_path, freeze)
    assert [(event.step, event.phase) for event in events if isinstance(event, PhaseStarted)] == begins
    evaluated = [
        event.step for event in events if isinstance(event, Evaluated) and event.purpose == "progress"
    ]
    assert evaluated == [6, 12, 18, 24]
