"""Cards: what a plugin says of itself before anything heavy is imported."""

from importlib import import_module
from typing import Any, Literal, get_args

from attrs import frozen

PluginKind = Literal[
    "backbone", "head", "freeze", "lr", "curve", "optimizer", "sampler", "balancer", "data", "tracker"
]
KINDS: tuple[PluginKind, ...] = get_args(PluginKind)


@frozen
class Card:
    """A plugin's light description, returned from the `mtlkit_cards` hook.

    `options` is a frozen attrs class (or a pydantic model) of the plugin's options, or its address
    `"module:name"`. Without `build`, the options object *is* the plugin: policies, schedules, curves,
    samplers and balancers need no more than that. With `build`, the address `"module:name"` of a
    callable, the engine calls it with the options object and what the kind's contract adds.
    `install` is the command to show when the builder can't be imported.
    """

    kind: PluginKind
    name: str
    summary: str
    options: str | type
    build: str | None = None
    install: str = ""


def load_address(address: str) -> Any:  # noqa: ANN401  whatever the address names
    """The object at `"module:name"`.

    Raises:
        ImportError: when the module can't be imported or has no such name.
    """
    module, _, name = address.partition(":")
    try:
        return getattr(import_module(module), name)
    except AttributeError as error:
        raise ImportError(f"module {module} has no {name!r}") from error
