"""mtlkit's own laws for backbones and data sources."""

from mtlkit.testing import conformance

from mtlkit_vision.cards import CARDS


@conformance(CARDS[0])
def test_image_encoder(check):
    check()


@conformance(CARDS[1])
def test_image_folder(check):
    check()
