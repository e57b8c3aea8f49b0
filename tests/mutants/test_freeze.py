import pytest

from mtlkit.testing import check_plugin
from tests.mutants.freeze import MUTANTS, UNUSUAL

SEEDS = (0, 1, 2)
HARD = ("FirstNameOnly", "RemembersStep", "RemembersTable", "CountsEntries", "NoPercent", "LatestScore")


def test_there_are_enough_of_both():
    assert len(MUTANTS) >= 16
    assert len(UNUSUAL) >= 6
    assert sum(mutant.__name__ in HARD for mutant, _ in MUTANTS) == len(HARD)


@pytest.mark.parametrize(("mutant", "law"), MUTANTS, ids=lambda each: getattr(each, "__name__", each))
def test_a_broken_policy_is_rejected_by_the_law_it_breaks(mutant, law):
    seeds = SEEDS if mutant.__name__ in HARD else SEEDS[:1]
    for seed in seeds:
        assert law in check_plugin(mutant, seed=seed).failed


@pytest.mark.parametrize("policy", UNUSUAL, ids=lambda each: getattr(each, "name", None) or repr(each))
def test_an_odd_policy_is_accepted(policy):
    report = check_plugin(policy)
    assert report.passed, str(report)
