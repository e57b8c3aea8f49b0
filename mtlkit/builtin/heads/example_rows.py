"""Texts of rows that a head could learn from, for the conformance kit; light, without torch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from random import Random

WORDS = ("one", "two", "New", "York", "été", "x", "very", "long")


def texts(columns: Iterable[str], number: int, rng: Random) -> dict[str, str]:
    """A text for each column; the row's number makes it another than those of other rows."""
    return {name: f"{number} {' '.join(rng.choices(WORDS, k=rng.randint(1, 6)))}" for name in columns}


def some_of(names: Sequence[str], rng: Random) -> list[str]:
    """Some of the names, at least one, in any order."""
    return rng.sample(names, rng.randint(1, len(names)))
