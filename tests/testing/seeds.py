"""Run by `make test-seeds`: the kit's verdict on every plugin that mtlkit ships, for fifty seeds."""

import pytest

from mtlkit.testing import check_plugin
from tests.testing.test_builtins import SHIPPED


@pytest.mark.parametrize("name", SHIPPED)
@pytest.mark.parametrize("seed", range(50))
def test_the_verdict_is_the_same_for_every_seed(name, seed):
    report = check_plugin(name, "quick", seed=seed)
    assert report.passed, str(report)
