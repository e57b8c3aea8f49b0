"""The plugin under test: a card, the options it is tried with, and how a script names it."""

import sys
from collections.abc import Mapping
from importlib import import_module
from inspect import isclass
from pathlib import Path
from shutil import rmtree
from tempfile import gettempdir, mkdtemp
from typing import TYPE_CHECKING, Any
from weakref import finalize

from attrs import evolve, field, frozen

from mtlkit.catalog.catalog import Entry
from mtlkit.catalog.discover import open_catalog
from mtlkit.catalog.options import dump_options, make_options, options_class
from mtlkit.contracts.balance import Balancer
from mtlkit.contracts.card import KINDS, Card, PluginKind, load_address
from mtlkit.contracts.freeze import FreezePolicy
from mtlkit.contracts.rates import Curve, LRSchedule
from mtlkit.contracts.sampling import Sampler
from mtlkit.errors import UsageError
from mtlkit.recipe.problems import closest

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

BASES: dict[type, PluginKind] = {
    FreezePolicy: "freeze",
    LRSchedule: "lr",
    Curve: "curve",
    Sampler: "sampler",
    Balancer: "balancer",
}


@frozen(eq=False)
class Subject:
    """A plugin under test.

    `table` is the only options table it is tried with, None where tables are generated. `thing` is what
    the caller named, `folders` what has to be on `sys.path` to import it. `memory` keeps what is costly
    to find out, for the laws of one run.
    """

    entry: Entry
    thing: Any
    table: Mapping[str, Any] | None = None
    folders: tuple[str, ...] = ()
    memory: dict[str, Any] = field(factory=dict)

    @property
    def card(self) -> Card:
        """The plugin's card."""
        return self.entry.card

    @property
    def kind(self) -> PluginKind:
        """The plugin's kind."""
        return self.card.kind

    @property
    def options_class(self) -> Any:  # noqa: ANN401  the plugin's own class
        """The class of its options."""
        return options_class(self.entry)

    def options(self, table: Mapping[str, Any]) -> Any:  # noqa: ANN401  the plugin's own class
        """The options object of a table, new each time."""
        return make_options(self.entry, table, Path(gettempdir()))

    def make(self, table: Mapping[str, Any], *arguments: object) -> Any:  # noqa: ANN401  the plugin
        """The plugin built with that options table, and what its kind's contract adds."""
        options = self.options(table)
        if self.card.build is None:
            return options
        return load_address(self.card.build)(options, *arguments)

    def tables(self, tasks: tuple[str, ...] = ()) -> "SearchStrategy[dict[str, Any]]":
        """Options tables that the plugin accepts; `tasks` are names they may use."""
        from hypothesis import strategies as st

        from mtlkit.testing.strategies import options

        if self.table is not None or self._sampled is not None:
            return st.just(self.first_table)
        drawn: SearchStrategy[dict[str, Any]] = options(self.options_class, tasks=tasks)
        if hasattr(self.options_class, "columns"):
            drawn = drawn.filter(self._tells_columns_apart)
        if not self.card.example:
            return drawn
        return st.one_of(st.just(dict(self.card.example)), drawn)

    def _tells_columns_apart(self, table: Mapping[str, Any]) -> bool:
        """Whether options that name columns name a different one each; no row has two cells in one."""
        try:
            columns = list(self.options(table).columns().values())
        except Exception:  # noqa: BLE001  the laws report what is wrong with it
            return True
        return len(set(columns)) == len(columns)

    @property
    def first_table(self) -> dict[str, Any]:
        """The table to try first: the one given, that of a sample, or the card's example."""
        for table in (self.table, self._sampled):
            if table is not None:
                return dict(table)
        return dict(self.card.example)

    @property
    def has_first_table(self) -> bool:
        """Whether there is a table to try first."""
        return self.table is not None or bool(self.first_table)

    @property
    def _sampled(self) -> Mapping[str, Any] | None:
        """The table of what `sample(folder)` of the options class wrote, in a folder kept as long."""
        if not hasattr(self.options_class, "sample"):
            return None
        if "sample" not in self.memory:
            folder = mkdtemp(prefix="mtlkit-sample-")
            finalize(self, rmtree, folder, ignore_errors=True)
            self.memory["sample"] = self.options_class.sample(Path(folder))
        found: Mapping[str, Any] = self.memory["sample"]
        return found


def subject_of(thing: Any, kind: PluginKind | None = None) -> Subject:  # noqa: ANN401  see below
    """The subject that a card, a class, an object, a plugin's name or `"module:object"` stands for.

    A class that is no plugin itself may be the options or the builder of a card of its module.

    A name may be written `kind/name`. An address may start with the path of a Python file.

    Raises:
        UsageError: when it stands for no plugin, or for several.
    """
    if isinstance(thing, Subject):
        return thing
    if isinstance(thing, str):
        return _addressed(thing) if ":" in thing else _named(thing, kind)
    if isinstance(thing, Card):
        return Subject(Entry(thing, "the plugin under test", ""), thing)
    cls = thing if isclass(thing) else type(thing)
    for base, own in BASES.items():
        if issubclass(cls, base):
            card = Card(own, cls.__name__, (cls.__doc__ or "").partition("\n")[0], cls)
            table = None if thing is cls else dump_options(thing)
            return Subject(Entry(card, "the plugin under test", ""), thing, table)
    for card in _cards_beside(cls):
        if cls in (_loaded(card.options), _loaded(card.build)):
            return Subject(Entry(card, "the plugin under test", ""), card)
    bases = ", ".join(base.__name__ for base in BASES)
    raise UsageError(
        f"{thing!r} is no plugin",
        f"give a mtlkit.Card, a class that a card of its module names, or what derives from {bases}",
    )


def _cards_beside(cls: type) -> list[Card]:
    """The cards that the class's module, or a package around it, offers through the hook."""
    parts = cls.__module__.split(".")
    for length in range(len(parts), 0, -1):
        hook = getattr(sys.modules.get(".".join(parts[:length])), "mtlkit_cards", None)
        if hook is not None:
            return list(hook())
    return []


def _loaded(address: Any) -> Any:  # noqa: ANN401  whatever the address names
    return None if address is None else load_address(address)


def _named(name: str, kind: PluginKind | None) -> Subject:
    given, slash, plain = name.rpartition("/")
    wanted = given if slash else kind
    catalog = open_catalog()
    entries = [entry for each in KINDS for entry in catalog.of(each)]
    found = [e for e in entries if e.card.name == plain and wanted in (None, e.card.kind)]
    if not found:
        known = [entry.card.name for entry in entries if wanted in (None, entry.card.kind)]
        failures = "; ".join(map(str, catalog.failures))
        raise UsageError(f"there is no plugin {name!r}", closest(plain, known) or failures)
    if len(found) > 1:
        choices = " or ".join(f"{entry.card.kind}/{plain} (of {entry})" for entry in found)
        raise UsageError(f"several plugins are called {plain!r}", f"name one: {choices}")
    return Subject(found[0], f"{found[0].card.kind}/{plain}")


def _addressed(address: str) -> Subject:
    place, _, name = address.rpartition(":")
    folder = ""
    if place.endswith(".py"):
        if not Path(place).is_file():
            raise UsageError(f"there is no file {place}", "give module:object or path/to/file.py:object")
        path = Path(place).resolve()
        folder, place = str(path.parent), path.stem
    for where in (folder, "") if folder else ("",):
        if where not in sys.path:
            sys.path.insert(0, where)
    try:
        module = import_module(place)
    except (Exception, SystemExit) as error:  # importing a plugin may raise anything
        raise UsageError(f"{place} can't be imported: {type(error).__name__}: {error}") from error
    if not hasattr(module, name):
        raise UsageError(f"{place} has no {name!r}", closest(name, [n for n in vars(module) if n[0] != "_"]))
    found = subject_of(getattr(module, name))
    if isinstance(found.thing, Card):  # shorter in a script than the card written out
        found = evolve(found, thing=f"{path}:{name}" if folder else address)
    return evolve(found, folders=(folder,) if folder else ())
