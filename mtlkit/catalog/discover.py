"""Finding plugins: the built-in ones first, then every installed distribution, each loaded on its own."""

import os
import re
import sys
from collections.abc import Iterator, Sequence
from importlib import import_module, metadata
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pluggy

from mtlkit import hookspecs
from mtlkit.catalog.catalog import Catalog, Entry, Failure
from mtlkit.contracts.card import KINDS, Card

GROUP = hookspecs.PROJECT
BUILTIN = "mtlkit.builtin.cards"
DISABLE = "MTLKIT_DISABLE_PLUGINS"
_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")


def open_catalog(plugin_files: Sequence[Path] = ()) -> Catalog:
    """All plugins: built in, installed (entry points of the group `mtlkit`) and in `plugin_files`.

    A plugin that is broken in any way becomes a `Failure` and disturbs no other. The distributions that
    the environment variable `MTLKIT_DISABLE_PLUGINS` lists, separated by commas, are not imported at all.
    """
    entries = [Entry(card, "mtlkit", _own_version()) for card in _cards(import_module(BUILTIN))]
    failures: list[Failure] = []
    disabled = {_plain(name) for name in os.environ.get(DISABLE, "").split(",")}
    for point in sorted(metadata.entry_points(group=GROUP), key=lambda each: (each.name, each.value)):
        distribution = point.dist.name if point.dist else point.name
        version = point.dist.version if point.dist else ""
        if _plain(distribution) in disabled:
            continue
        try:
            entries += [Entry(card, distribution, version) for card in _cards(point.load())]
        except (Exception, SystemExit) as error:  # noqa: BLE001  a stranger's import may raise anything
            failures.append(Failure(distribution, version, point.value, _cause(error)))
    for file in plugin_files:
        try:
            entries += [Entry(card, file.name, "") for card in _cards(_from_file(file))]
        except (Exception, SystemExit) as error:  # noqa: BLE001  as above: a file under development
            failures.append(Failure(file.name, "", str(file), _cause(error)))
    return Catalog(tuple(entries), tuple(failures))


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
        if card.kind not in KINDS:
            raise ValueError(f"the card {card.name!r} has the unknown kind {card.kind!r}")
        if not _NAME.fullmatch(card.name):
            raise ValueError(
                f"{card.name!r} is no name for a plugin: lower-case letters, digits, '_', '-', '.'"
            )
        yield card


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
