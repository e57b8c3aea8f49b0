"""The kit rejects every broken backbone by the law that it breaks, and accepts every unusual one."""

import pytest

from mtlkit.testing import check_plugin
from mtlkit.testing.doors import outcome_of
from mtlkit.testing.kinds import contract
from mtlkit.testing.subject import subject_of
from tests.mutants.backbone import MUTANTS, UNUSUAL

LAWS = {law.id: law for law in contract("backbone")}
SEEDS = (0, 1, 2)
SEVERAL = ("MixesRows", "FirstDigit", "GrowingVocabulary", "ReadsAbove")


@pytest.mark.parametrize(("thing", "law"), MUTANTS, ids=[f"{thing.name}-{law}" for thing, law in MUTANTS])
def test_mutant_is_rejected_by_its_law(thing, law):
    for seed in SEEDS if thing.name in SEVERAL else SEEDS[:1]:
        outcome = outcome_of(LAWS[law], subject_of(thing), "quick", seed, {}, len(LAWS))
        assert outcome.state == "failed", (seed, outcome.message)
        assert outcome.message
        assert outcome.counterexample


@pytest.mark.parametrize("thing", UNUSUAL, ids=[thing.name for thing in UNUSUAL])
def test_unusual_plugin_is_accepted(thing):
    report = check_plugin(thing)
    assert report.passed, str(report)


def test_a_whole_report_names_the_law():
    thing, law = MUTANTS[0]
    report = check_plugin(thing)
    assert law in report.failed, str(report)
    assert not report.passed


def test_count():
    assert len(MUTANTS) >= 36
    assert len(UNUSUAL) >= 4
    assert {law for _, law in MUTANTS} >= {law for law in LAWS if law.startswith("B")}
