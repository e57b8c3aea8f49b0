"""A law: one small check of a plugin, with its id, the reason for it and the usual mistake."""

from collections.abc import Callable, Iterable, Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Any

from attrs import frozen

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

    from mtlkit.testing.subject import Subject

Values = Mapping[str, Any]


class Broken(Exception):  # noqa: N818  what became of the law
    """A plugin broke a law; the message says what it did and what it should have done."""


def require(holds: bool, message: str) -> None:
    """Raise `Broken` with that message unless it holds."""
    if not holds:
        raise Broken(message)


def always(subject: "Subject") -> str:
    """The law applies to every plugin of its kind."""
    return ""


def no_corners(subject: "Subject") -> Iterable[Values]:
    """No values that are tried besides the generated ones."""
    return ()


@frozen(eq=False)
class Law:
    """What must hold for every plugin of the kinds it is listed for.

    `check(subject, **values)` raises `Broken`; any other exception counts against the plugin as well.
    `given` is the strategy that draws the values, all of them of the kind that `repr` writes as code;
    `corners` are values tried first, whatever the seed. `applies` says why the law does not apply to a
    plugin, or nothing. `share` scales the number of examples. `apart`: it asks the plugin in processes of
    their own.
    """

    id: str
    name: str
    statement: str
    why: str
    mistake: str
    check: Callable[..., None]
    given: "Callable[[Subject], SearchStrategy[Any]] | None" = None
    corners: "Callable[[Subject], Iterable[Values]]" = no_corners
    applies: "Callable[[Subject], str]" = always
    share: float = 1.0
    apart: bool = False


def law(
    id: str,
    *,
    why: str,
    mistake: str,
    given: "Callable[[Subject], SearchStrategy[Any]] | None" = None,
    corners: "Callable[[Subject], Iterable[Values]]" = no_corners,
    applies: "Callable[[Subject], str]" = always,
    share: float = 1.0,
    apart: bool = False,
) -> Callable[[Callable[..., None]], Law]:
    """Make a law of a function `check(subject, **values)`; its docstring's first line is the statement."""

    def made(check: Callable[..., None]) -> Law:
        statement = (check.__doc__ or "").strip().partition("\n")[0]
        name = check.__name__.replace("_", " ")
        return Law(id, name, statement, why, mistake, check, given, corners, applies, share, apart)

    return made


def laws_in(*modules: ModuleType) -> tuple[Law, ...]:
    """The laws of some modules, in the order of their definition."""
    return tuple(value for module in modules for value in vars(module).values() if isinstance(value, Law))
