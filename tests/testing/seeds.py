"""Run by `make test-seeds`: the kit's verdicts are the same for fifty seeds.

What is tried first, whatever the seed, is tried by the other tests; here is what is drawn. It takes
hours on two cores.
"""

import pytest
from attrs import evolve

from mtlkit.testing import check_plugin
from mtlkit.testing.kinds import contract
from mtlkit.testing.law import no_corners
from mtlkit.testing.profiles import PROFILES
from mtlkit.testing.runner import run_law
from mtlkit.testing.subject import subject_of
from tests.mutants.test_mutants import MUTANTS, name
from tests.testing.test_builtins import SHIPPED


@pytest.mark.parametrize("plugin", SHIPPED)
@pytest.mark.parametrize("seed", range(1, 51))
def test_no_plugin_fails_by_what_is_drawn(plugin, seed):
    subject = subject_of(plugin)
    laws = [evolve(law, corners=no_corners) for law in contract(subject.kind) if law.given is not None]
    outcomes = [run_law(law, subject, PROFILES["quick"], seed, len(laws)) for law in laws]
    failed = {outcome.law: outcome.message for outcome in outcomes if outcome.state == "failed"}
    assert not failed
    assert sum(outcome.examples for outcome in outcomes) > len(laws)


@pytest.mark.parametrize("seed", range(1, 6))
@pytest.mark.parametrize(("kind", "thing", "law"), MUTANTS, ids=[name(*each) for each in MUTANTS])
def test_every_mutant_is_rejected(kind, thing, law, seed):
    assert check_plugin(thing, kind=kind, seed=seed, only=[law]).failed == (law,)
