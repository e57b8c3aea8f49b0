"""The kit finds every broken optimizer by the law it breaks, and accepts every unusual one."""

import pytest

from mtlkit.testing import check_plugin
from mtlkit.testing.doors import outcome_of
from mtlkit.testing.kinds import contract
from mtlkit.testing.subject import subject_of
from tests.mutants.optimizer import MUTANTS, UNUSUAL


def name(thing):
    return getattr(thing, "name", "") or getattr(thing, "__name__", "") or repr(thing)


def outcome(thing, id, seed):
    """Of that law alone, as in a whole report."""
    laws = contract("optimizer")
    law = next(each for each in laws if each.id == id)
    return outcome_of(law, subject_of(thing), "quick", seed, {}, len(laws))


IDS = [f"{name(thing)}-{law}" for thing, law in MUTANTS]


@pytest.mark.parametrize(("thing", "law"), MUTANTS, ids=IDS)
def test_mutant_is_rejected_by_its_law(thing, law):
    found = outcome(thing, law, 0)
    assert found.state == "failed", found


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize(("thing", "law"), MUTANTS[::3], ids=IDS[::3])
def test_whatever_the_seed(thing, law, seed):
    found = outcome(thing, law, seed)
    assert found.state == "failed", found


def test_report_of_a_mutant_names_its_law():
    thing, law = MUTANTS[0]
    report = check_plugin(thing)
    assert law in report.failed
    assert not report.passed


@pytest.mark.parametrize("thing", UNUSUAL, ids=[name(thing) for thing in UNUSUAL])
def test_unusual_plugin_is_accepted(thing):
    report = check_plugin(thing)
    assert report.passed, str(report)


def test_every_law_of_the_kind_has_a_mutant():
    own = {law.id for law in contract("optimizer") if law.id[0] != "G"}
    assert own == {law for _, law in MUTANTS}
    assert len(MUTANTS) >= 20
    assert len(UNUSUAL) >= 5
