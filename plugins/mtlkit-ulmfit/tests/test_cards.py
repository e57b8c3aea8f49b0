import subprocess
import sys

import attrs
import pytest
from mtlkit import API_LEVEL

from mtlkit_ulmfit import ChainThaw, Discriminative, SlantedTriangular, Ulmfit
from mtlkit_ulmfit.cards import CARDS, mtlkit_cards

CLASSES = {
    "ulmfit-chain-thaw": ChainThaw,
    "ulmfit-discriminative": Discriminative,
    "ulmfit-slanted-triangular": SlantedTriangular,
    "ulmfit": Ulmfit,
}


def test_four_cards_that_name_their_classes():
    assert mtlkit_cards() == CARDS
    assert {card.name: card.options for card in CARDS} == {
        name: f"{cls.__module__}:{cls.__name__}" for name, cls in CLASSES.items()
    }
    assert {card.api for card in CARDS} == {API_LEVEL}


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)
def test_a_card_says_where_it_comes_from_and_shows_its_options(card):
    fields = attrs.fields_dict(CLASSES[card.name])
    required = {name for name, each in fields.items() if each.default is attrs.NOTHING}
    assert required <= set(card.example) <= set(fields)
    assert all(each.metadata["doc"] for each in fields.values())
    assert card.summary
    assert card.paper


def test_only_rates_are_in_units_of_a_rate():
    units = {
        f"{name}.{each.name}": each.metadata["unit"]
        for name, cls in CLASSES.items()
        for each in attrs.fields(cls)
    }
    assert {name for name, unit in units.items() if unit == "rate"} == {
        "ulmfit-discriminative.peak",
        "ulmfit-discriminative.head_rate",
        "ulmfit.peak",
    }
    assert len(units) == 12


def test_importing_it_imports_no_torch():
    code = (
        "import sys, mtlkit_ulmfit.cards; "
        "print(any(name in sys.modules for name in ('torch', 'transformers', 'numpy')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
