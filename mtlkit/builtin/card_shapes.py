"""The two shapes of our own cards: a plugin that is its options, and one with a builder."""

from collections.abc import Mapping
from typing import Any

from mtlkit.contracts.card import Card, PluginKind

HERE = "mtlkit.builtin"
Example = Mapping[str, Any]


def light(
    kind: PluginKind, name: str, options: str, summary: str, paper: str = "", example: Example | None = None
) -> Card:
    """A plugin that is its own options object."""
    return Card(kind, name, summary, f"{HERE}.{options}", paper=paper, example=example or {})


def built(
    kind: PluginKind,
    name: str,
    options: str,
    build: str,
    summary: str,
    paper: str = "",
    example: Example | None = None,
) -> Card:
    """A plugin with a builder of its own."""
    return Card(
        kind,
        name,
        summary,
        f"{HERE}.{options}",
        f"{HERE}.{build}",
        "pip install mtlkit",
        paper,
        example or {},
    )
