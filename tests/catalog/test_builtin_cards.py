"""The cards of what mtlkit ships are complete: every example is valid, every option has a help text."""

import re
from pathlib import Path
from typing import get_args

import attrs
import pytest

from mtlkit.builtin.cards import mtlkit_cards
from mtlkit.catalog.catalog import Entry
from mtlkit.catalog.options import make_options, options_class
from mtlkit.contracts.card import API_LEVEL, KINDS
from mtlkit.contracts.duration import Duration
from mtlkit.contracts.options import DOC, UNIT
from mtlkit.contracts.place import Place

CARDS = mtlkit_cards()
COUNTED = {"layers", "group_size", "cap", "max_length", "hidden_size", "dim", "hidden", "seconds"}


def entry(card):
    return Entry(card, "mtlkit", "")


def fields(cls):
    """Every field of an options class, those of option classes in it included."""
    for each in attrs.fields(cls):
        yield each
        for kind in (each.type, *get_args(each.type)):
            if isinstance(kind, type) and attrs.has(kind) and kind not in (Duration, Place):
                yield from fields(kind)


def test_every_kind_has_cards():
    assert {card.kind for card in CARDS} == set(KINDS)
    assert len(CARDS) >= 37
    assert {card.api for card in CARDS} == {API_LEVEL}


@pytest.mark.parametrize("card", CARDS, ids=lambda card: f"{card.kind}-{card.name}")
def test_the_example_is_valid(card):
    made = make_options(entry(card), card.example, Path())
    assert isinstance(made, options_class(entry(card)))


@pytest.mark.parametrize("card", CARDS, ids=lambda card: f"{card.kind}-{card.name}")
def test_every_option_is_explained(card):
    cls = options_class(entry(card))
    assert cls.__doc__
    for field in fields(cls):
        assert field.metadata.get(DOC), field.name
        assert UNIT in field.metadata


def test_every_option_was_looked_at():
    names = [field.name for card in CARDS for field in fields(options_class(entry(card)))]
    assert len(names) >= 80
    assert {"until", "freeze"} <= set(names)  # of the phases inside the policy `phases`


def test_what_counts_something_says_what():
    units = {
        field.name: field.metadata[UNIT]
        for card in CARDS
        for field in fields(options_class(entry(card)))
        if field.name in COUNTED
    }
    assert units.keys() == COUNTED
    assert all(units.values())


def test_rates_are_marked_as_rates():
    rates = {
        (card.name, field.name)
        for card in CARDS
        for field in attrs.fields(options_class(entry(card)))
        if field.metadata[UNIT] == "rate"
    }
    per_part = {("layer-wise", part) for part in ("embeddings", "blocks", "heads", "final", "per_task")}
    ramp = {("linear-ramp", part) for part in ("rate_bottom", "rate_top", "heads")}
    chosen = {("groups", "rates"), ("groups", "default"), ("range-test", "low"), ("range-test", "high")}
    per_head = {("per-task", part) for part in ("backbone", "rates", "heads")} | {("head-multiplier", "peak")}
    lora = {("lora-plus", "peak"), ("lora-plus", "heads")}
    layers = {(name, rate) for name in ("layer-decay", "discriminative") for rate in ("peak", "head_rate")}
    measured = {
        (name, rate) for name in ("bias-multiplier", "relative-gradient") for rate in ("peak", "heads")
    }
    assert rates == {("uniform", "peak")} | layers | per_part | ramp | chosen | per_head | lora | measured


def test_papers_name_authors_and_year():
    papers = [card.paper for card in CARDS if card.paper]
    assert len(papers) >= 15
    for paper in papers:
        for each in paper.split("; "):
            assert re.fullmatch(r"[^\d]+ (19|20)\d\d, .+", each), each
