"""The catalog: every plugin that is installed, by kind and name, and what could not be loaded."""

from attrs import frozen

from mtlkit.contracts.card import Card, PluginKind
from mtlkit.contracts.nearest import nearest
from mtlkit.errors import PluginError, RecipeError


class UnknownPlugin(RecipeError):  # noqa: N818  what is unknown, not what went wrong
    """A recipe names a plugin that no working distribution offers; `problems[0]` says which."""


@frozen
class Entry:
    """A card and the distribution that offers it."""

    card: Card
    distribution: str
    version: str

    def __str__(self) -> str:
        return f"{self.distribution} {self.version}".rstrip()


@frozen
class Failure:
    """A distribution whose plugins could not be loaded, or one `card` of it that can't be used, and why."""

    distribution: str
    version: str
    module: str
    cause: str
    card: Card | None = None

    def __str__(self) -> str:
        name = f"{self.distribution} {self.version}".rstrip()
        if self.card is not None:
            return f"{name} ({self.module}): {self.cause}"
        return f"the plugins of {name} failed to load ({self.module}): {self.cause}"

    def concerns(self, kind: PluginKind, name: str) -> bool:
        """Whether it is the card of that name, or of `distribution:name`, that can't be used."""
        if self.card is None or self.card.kind != kind:
            return False
        return name in (self.card.name, f"{self.distribution}:{self.card.name}")


@frozen
class Catalog:
    """All plugins of one command, and what could not be loaded or used."""

    entries: tuple[Entry, ...]
    failures: tuple[Failure, ...] = ()

    def of(self, kind: PluginKind) -> tuple[Entry, ...]:
        """The plugins of a kind, sorted by name."""
        return tuple(sorted((each for each in self.entries if each.card.kind == kind), key=_order))

    def find(self, kind: PluginKind, name: str) -> Entry:
        """The plugin of this name, or of `distribution:name` where several offer it.

        Raises:
            UnknownPlugin: when there is none; says what is near, and what failed to load.
            PluginError: when several distributions offer it, or the only one that does offers it for
                another level of the plugin contracts.
        """
        distribution, colon, plain = name.rpartition(":")
        found = [
            each
            for each in self.of(kind)
            if each.card.name == plain and (not colon or each.distribution == distribution)
        ]
        if not found:
            unusable = [each for each in self.failures if each.concerns(kind, name)]
            raise PluginError("; ".join(map(str, unusable))) if unusable else self._unknown(kind, name)
        if len(found) > 1:
            owners = " and ".join(str(each) for each in found)
            distinct = list(dict.fromkeys(f"{each.distribution}:{plain}" for each in found))
            hint = (
                f"choose one: {' or '.join(map(repr, distinct))}"
                if len(distinct) > 1
                else "remove one of them"
            )
            raise PluginError(f"{owners} both offer the {_words(kind)} {plain!r}", hint)
        return found[0]

    def _unknown(self, kind: PluginKind, name: str) -> UnknownPlugin:
        names = [each.card.name for each in self.of(kind)]
        others = [each.card.kind for each in self.entries if each.card.name == name]
        near = None if others else nearest(name.lower(), names)
        if others:
            message = f"{name!r} is {_article(others[0])}, not {_article(kind)}"
        else:
            message = f"there is no {_words(kind)} {name!r}"
        suggestion = f"did you mean {near!r}?" if near else f"choose from {', '.join(dict.fromkeys(names))}"
        if others:
            suggestion = f"it belongs in {PLACES[others[0]]}"
        hints = [suggestion if names else f"no {_words(kind)} is installed", *map(str, self.failures)]
        return UnknownPlugin(message, "; ".join(hints))


PLACES: dict[PluginKind, str] = {
    "backbone": "[backbone]",
    "head": "the head of a task",
    "freeze": "[[freeze]]",
    "lr": "[lr]",
    "curve": "the curve of [lr]",
    "optimizer": "[optimizer]",
    "sampler": "[sampler]",
    "balancer": "[balancer]",
    "regularizer": "[[regularizer]]",
    "data": "a [data.NAME] table",
    "tracker": "[logging.trackers]",
}
"""Where a recipe names a plugin of that kind."""
_WORDS = {"freeze": "freeze policy", "lr": "learning-rate schedule", "data": "data source"}


def _words(kind: str) -> str:
    return _WORDS.get(kind, kind)


def _article(kind: str) -> str:
    words = _words(kind)
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"


def _order(entry: Entry) -> tuple[str, str]:
    return entry.card.name, entry.distribution
