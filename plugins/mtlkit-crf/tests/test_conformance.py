"""The kit that every mtlkit plugin is held against."""

from collections.abc import Callable

from mtlkit_crf.cards import mtlkit_cards

from mtlkit.testing import conformance

(CARD,) = mtlkit_cards()


@conformance(CARD, profile="quick")
def test_kit(check: Callable[[], None]) -> None:
    check()
