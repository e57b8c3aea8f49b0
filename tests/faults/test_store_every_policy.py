"""With stored activations a run under any built-in freeze policy is that without, to 1e-5."""

import pytest
from engine_recipes import run_recipe, write_recipe
from policies import FREEZE, built_in, table

from mtlkit.contracts.events import StepDone
from mtlkit.engine.features import Encoder

POLICIES = built_in("freeze")
TRAINING = 'evaluate_every = "2st"'


def losses(events):
    return [(event.step, *event.losses.items()) for event in events if isinstance(event, StepDone)]


@pytest.mark.parametrize("name", POLICIES)
def test_stored_activations_give_what_computed_ones_give(name, tmp_path, monkeypatch):
    monkeypatch.setenv("MTLKIT_CACHE", str(tmp_path / "cache"))
    found = []
    for storable in (True, False):
        folder = tmp_path / str(storable)
        folder.mkdir()
        if not storable:
            monkeypatch.setattr(Encoder, "_storable", False)
        recipe = write_recipe(folder, training=TRAINING)
        _, events = run_recipe(recipe, [table("freeze", name, POLICIES[name], FREEZE)])
        found.append(losses(events))
    stored, computed = found
    assert len(stored) == len(computed) > 1
    for (step, *mine), (_, *theirs) in zip(stored, computed, strict=True):
        assert [task for task, _ in mine] == [task for task, _ in theirs]
        for (task, value), (_, other) in zip(mine, theirs, strict=True):
            assert value == pytest.approx(other, rel=1e-5, abs=1e-5), (step, task)


def test_all_policies_are_covered():
    assert len(POLICIES) >= 24
