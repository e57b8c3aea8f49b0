"""What third parties hold their own plugins against.

    from mtlkit.testing import check_plugin, conformance

    print(check_plugin(MyPolicy))

    @conformance(MyPolicy)
    def test_conformance(check):
        check()

Strategies to write laws of your own with are in `mtlkit.testing.strategies`.
"""

from mtlkit.testing.doors import check_plugin, conformance, replay
from mtlkit.testing.law import Broken
from mtlkit.testing.report import Outcome, Report

__all__ = ["Broken", "Outcome", "Report", "check_plugin", "conformance", "replay"]
