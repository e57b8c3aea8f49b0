"""Every plugin that mtlkit ships passes the kit."""

import pytest

from mtlkit.catalog.discover import open_catalog
from mtlkit.contracts.card import KINDS
from mtlkit.testing import check_plugin
from mtlkit.testing.profiles import PROFILES

SHIPPED = [
    f"{kind}/{entry.card.name}"
    for kind in KINDS
    for entry in open_catalog().of(kind)
    if entry.distribution == "mtlkit"
]


@pytest.mark.parametrize("name", SHIPPED)
def test_it_passes_at_profile_standard(name):
    report = check_plugin(name, "standard")
    assert report.passed, str(report)
    assert report.ran >= report.floor > 0
    assert report.seconds < 3 * PROFILES["standard"].seconds  # a runaway, not a timing


def test_there_is_one_for_every_kind():
    assert {name.partition("/")[0] for name in SHIPPED} == set(KINDS)
    assert len(SHIPPED) == len(set(SHIPPED)) >= 45
