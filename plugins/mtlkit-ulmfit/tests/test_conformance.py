"""mtlkit's conformance kit on the four cards, and on the settings that the cards do not show."""

import pytest
from mtlkit import Duration
from mtlkit.testing import check_plugin, conformance

from mtlkit_ulmfit import ChainThaw, Discriminative, SlantedTriangular, Ulmfit
from mtlkit_ulmfit.cards import CARDS

CHAIN_THAW, DISCRIMINATIVE, SLANTED_TRIANGULAR, ULMFIT = CARDS


@conformance(CHAIN_THAW)
def test_chain_thaw(check):
    check()


@conformance(DISCRIMINATIVE)
def test_discriminative(check):
    check()


@conformance(SLANTED_TRIANGULAR)
def test_slanted_triangular(check):
    check()


@conformance(ULMFIT)
def test_ulmfit(check):
    check()


OTHERS = (
    ChainThaw(Duration(10, "%"), order="down", embeddings=False),
    Discriminative(0.026, head_rate=0.02),
    SlantedTriangular(0.29, 1.0),
    Ulmfit(0.02, 1.0, 0.5),
)


@pytest.mark.parametrize("plugin", OTHERS, ids=lambda plugin: type(plugin).__name__)
def test_other_settings(plugin):
    report = check_plugin(plugin)
    assert report.failed == (), str(report)
    assert report.ran > 5
