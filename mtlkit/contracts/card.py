"""Cards: what a plugin says of itself before anything heavy is imported."""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, Literal, get_args

from attrs import field, frozen

PluginKind = Literal[
    "backbone",
    "head",
    "freeze",
    "lr",
    "curve",
    "optimizer",
    "sampler",
    "balancer",
    "regularizer",
    "data",
    "tracker",
]
KINDS: tuple[PluginKind, ...] = get_args(PluginKind)
API_LEVEL = 1
"""The level of the plugin contracts in this release; it rises when a plugin has to change."""


@frozen
class Card:
    """A plugin's light description, returned from the `mtlkit_cards` hook.

    `options` is a frozen attrs class (or a pydantic model) of the plugin's options, or its address
    `"module:name"`. Without `build`, the options object *is* the plugin: policies, schedules, curves,
    samplers and balancers need no more than that. With `build`, a callable or its address, the engine
    calls it with the options object and what the kind's contract adds. An address keeps heavy imports
    out of commands that only look; a callable is for plugins under test.

    `install` is the command to show when the builder can't be imported, `paper` where the method was
    published, `example` an options table for the recipe snippet, at least its required keys, and `api`
    the API level that the plugin was written for.
    """

    kind: PluginKind
    name: str
    summary: str
    options: str | type
    build: str | Callable[..., Any] | None = None
    install: str = ""
    paper: str = ""
    example: Mapping[str, Any] = field(factory=dict)
    api: int = 1


def api_mismatch(card: Card) -> str:
    """Why a card's API level does not fit this mtlkit, and what to do; empty where it does."""
    if card.api == API_LEVEL:
        return ""
    newer = card.api > API_LEVEL
    return (
        f"the {card.kind} {card.name!r} was written for plugin API level {card.api}, and this mtlkit has "
        f"level {API_LEVEL}: upgrade {'mtlkit' if newer else 'the plugin'}"
    )


def load_address(address: str | Callable[..., Any]) -> Any:  # noqa: ANN401  whatever the address names
    """The object at `"module:name"`; a callable is its own address.

    Raises:
        ImportError: when the module can't be imported or has no such name.
    """
    if not isinstance(address, str):
        return address
    module, _, name = address.partition(":")
    try:
        return getattr(import_module(module), name)
    except AttributeError as error:
        raise ImportError(f"module {module} has no {name!r}") from error
