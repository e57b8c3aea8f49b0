"""The kit rejects every broken plugin by the law it was made to break, and accepts every unusual one."""

from importlib import import_module

import pytest

from mtlkit.contracts.card import KINDS
from mtlkit.testing import check_plugin
from mtlkit.testing.kinds import contract

AT_LEAST = {
    "backbone": 73, "balancer": 19, "curve": 22, "data": 36, "freeze": 41, "head": 90, "lr": 31,
    "optimizer": 23, "regularizer": 21, "sampler": 21, "tracker": 13,
}  # fmt: skip
FRESH = ("G1", "G2", "G5")  # these start processes; whole reports try them
NAMES = {kind: [kind] for kind in KINDS} | {
    "head": ["head", "head_extras"],
    "backbone": ["backbone", "backbone_extras", "backbone_deferred"],
}
MODULES = {kind: [import_module(f"tests.mutants.{name}") for name in names] for kind, names in NAMES.items()}
MUTANTS = [
    (kind, *each) for kind, modules in MODULES.items() for module in modules for each in module.MUTANTS
]
UNUSUAL = [(kind, each) for kind, modules in MODULES.items() for module in modules for each in module.UNUSUAL]

# Some mutants are broken just by leaving files open.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """One of them writes to the working folder."""
    monkeypatch.chdir(tmp_path)


def name(*parts):
    """A readable id."""
    return "-".join(getattr(each, "name", "") or getattr(each, "__name__", "") or str(each) for each in parts)


@pytest.mark.parametrize(("kind", "thing", "law"), MUTANTS, ids=[name(*each) for each in MUTANTS])
def test_a_mutant_is_rejected_by_its_law(kind, thing, law):
    report = check_plugin(thing, only=[law])
    assert report.failed == (law,), str(report)
    assert report.kind == kind
    [outcome] = report.outcomes
    assert outcome.message
    assert outcome.counterexample


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize(("kind", "thing", "law"), MUTANTS[::4], ids=[name(*each) for each in MUTANTS[::4]])
def test_whatever_the_seed(kind, thing, law, seed):
    assert check_plugin(thing, kind=kind, seed=seed, only=[law]).failed == (law,)


@pytest.mark.parametrize(("kind", "thing"), UNUSUAL, ids=[name(*each) for each in UNUSUAL])
def test_an_unusual_plugin_is_accepted(kind, thing):
    report = check_plugin(thing, only=[law.id for law in contract(kind) if law.id not in FRESH])
    assert report.failed == (), str(report)
    assert report.counts["passed"] >= report.floor / 2


@pytest.mark.parametrize("kind", KINDS)
def test_whole_reports_say_the_same(kind):
    thing, law = MODULES[kind][0].MUTANTS[0]
    report = check_plugin(thing)
    assert law in report.failed, str(report)
    assert not report.passed
    report = check_plugin(MODULES[kind][0].UNUSUAL[0])
    assert report.passed, str(report)


@pytest.mark.parametrize("kind", KINDS)
def test_every_law_of_a_kind_has_a_mutant(kind):
    own = {law.id for law in contract(kind) if law.id[0] != "G"}
    assert own <= {law for of, _, law in MUTANTS if of == kind}


def test_there_are_enough_of_both():
    counts = {kind: sum(of == kind for of, _, _ in MUTANTS) for kind in KINDS}
    assert counts.keys() == AT_LEAST.keys()
    assert all(counts[kind] >= least for kind, least in AT_LEAST.items()), counts
    assert len(MUTANTS) >= 377
    assert len(UNUSUAL) >= 95
