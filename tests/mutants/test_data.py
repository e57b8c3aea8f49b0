"""The kit finds every broken data plugin by the law it breaks, and accepts every unusual one."""

import pytest

from mtlkit.testing import check_plugin
from tests.mutants.data import MUTANTS, UNUSUAL


@pytest.mark.parametrize(("thing", "law"), MUTANTS, ids=[f"{thing.name}-{law}" for thing, law in MUTANTS])
def test_mutant_is_rejected_by_its_law(thing, law):
    report = check_plugin(thing, only=[law])
    assert law in report.failed, str(report)


@pytest.mark.parametrize("thing", UNUSUAL, ids=[thing.name for thing in UNUSUAL])
def test_unusual_plugin_is_accepted(thing):
    report = check_plugin(thing)
    assert report.passed, str(report)


def test_count():
    assert len(MUTANTS) >= 27
    assert len(UNUSUAL) >= 3
