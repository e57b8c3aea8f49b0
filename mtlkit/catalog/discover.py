"""Finding plugins: the built-in ones first, then every installed distribution, each loaded on its own."""

import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import import_module, metadata
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import pluggy
from attrs import frozen

from mtlkit import hookspecs
from mtlkit.catalog.catalog import Catalog, Entry, Failure
from mtlkit.contracts.card import KINDS, Card, api_mismatch

GROUP = hookspecs.PROJECT
BUILTIN = "mtlkit.builtin.cards"
DISABLE = "MTLKIT_DISABLE_PLUGINS"
_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
_TEXT = (str, "text")
_FIELDS: Mapping[str, tuple[Any, str]] = {
    "kind": _TEXT,
    "name": _TEXT,
    "summary": _TEXT,
    "options": ((str, type), "a class or its address"),
    "build": ((str, Callable, type(None)), "a callable or its address"),
    "install": _TEXT,
    "paper": _TEXT,
    "example": (Mapping, "a table of options"),
    "api": (int, "a whole number"),
}


def open_catalog(plugin_files: Sequence[Path] = ()) -> Catalog:
    """All plugins: built in, installed (entry points of the group `mtlkit`) and in `plugin_files`.

    A plugin that is broken in any way becomes a `Failure` and disturbs no other; so does a single card
    that was written for another API level. The distributions that the environment variable
    `MTLKIT_DISABLE_PLUGINS` lists, separated by commas, are not imported at all.
    """
    version = _own_version()
    entries = [Entry(card, "mtlkit", version) for card in _cards(import_module(BUILTIN))]
    failures: list[Failure] = []
    for owner in (*_installed(), *(_Owner(file.name, "", str(file), _opener(file)) for file in plugin_files)):
        try:
            cards = _cards(owner.load())
        except (Exception, SystemExit) as error:  # noqa: BLE001  a stranger's import may raise anything
            failures.append(Failure(owner.name, owner.version, owner.module, _cause(error)))
            continue
        for card in cards:
            if mismatch := api_mismatch(card):
                failures.append(Failure(owner.name, owner.version, owner.module, mismatch, card))
            else:
                entries.append(Entry(card, owner.name, owner.version))
    return Catalog(tuple(entries), tuple(failures))


@frozen
class _Owner:
    """Who offers plugins, and how to get at the module with the hook."""

    name: str
    version: str
    module: str
    load: Callable[[], object]


def _installed() -> Iterator[_Owner]:
    """The distributions with an entry point of the group, but for the disabled ones; imports nothing."""
    disabled = {_plain(name) for name in os.environ.get(DISABLE, "").split(",")}
    for point in sorted(metadata.entry_points(group=GROUP), key=lambda each: (each.name, each.value)):
        name, version = _told(point, "Name") or point.name, _told(point, "Version")
        if _plain(name) not in disabled:
            yield _Owner(name, version, point.value, point.load)


def _told(point: metadata.EntryPoint, key: str) -> str:
    """What the metadata of the entry point's distribution says, "" where it lacks the key."""
    told = point.dist.metadata if point.dist else None
    return str(told[key]) if told is not None and key in told else ""


def _opener(file: Path) -> Callable[[], ModuleType]:
    return lambda: _from_file(file)


def _cards(module: object) -> list[Card]:
    """The cards of one module; a manager of its own keeps what it does from all others."""
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    manager.register(module)
    manager.check_pending()
    if not manager.hook.mtlkit_cards.get_hookimpls():
        raise TypeError("has no function mtlkit_cards marked with @mtlkit.hookimpl")
    return [card for result in manager.hook.mtlkit_cards() for card in _checked(result)]


def _checked(cards: object) -> Iterator[Card]:
    if not isinstance(cards, list | tuple | Iterator):
        raise TypeError(f"mtlkit_cards must return a list of Card, not {type(cards).__name__}")
    for card in cards:
        if not isinstance(card, Card):
            raise TypeError(f"mtlkit_cards must return Card objects, not {type(card).__name__}")
        if type(card.api) is int and api_mismatch(card):
            yield card  # what another level's cards hold is not known here; open_catalog reports it
            continue
        _check_fields(card)
        yield card


def _check_fields(card: Card) -> None:
    for name, (types, wanted) in _FIELDS.items():
        value = getattr(card, name)
        if not isinstance(value, types) or isinstance(value, bool):
            raise TypeError(f"the card {card.name!r} has {name} = {value!r}, which is not {wanted}")
    if card.kind not in KINDS:
        raise ValueError(f"the card {card.name!r} has the unknown kind {card.kind!r}")
    if not _NAME.fullmatch(card.name):
        raise ValueError(f"{card.name!r} is no name for a plugin: lower-case letters, digits, '_', '-', '.'")


def _from_file(file: Path) -> ModuleType:
    """The module in a file, under its own name so that the addresses on its cards work."""
    name, path = file.stem, file.resolve()
    if not path.is_file():
        raise FileNotFoundError("the file does not exist")
    if file.suffix != ".py" or not name.isidentifier():
        raise ImportError("a plugin file is called like a Python module: my_plugin.py")
    known = sys.modules.get(name)
    if known is not None and _same(getattr(known, "__file__", None), path):
        return known
    there = find_spec(name)
    if known is not None or (there is not None and not _same(there.origin, path)):
        raise ImportError(f"there is another module called {name}; rename the file")
    spec = spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError("can't be imported")
    module = module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _same(origin: str | None, path: Path) -> bool:
    return origin is not None and Path(origin).resolve() == path


def _own_version() -> str:
    try:
        return metadata.version("mtlkit")
    except metadata.PackageNotFoundError:
        return ""


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name.strip()).lower()


def _cause(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".split("\n", 1)[0]
