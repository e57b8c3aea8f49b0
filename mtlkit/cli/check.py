"""`mtlkit check`: hold a plugin against the conformance kit of its kind."""

from typing import Annotated, Literal

from cyclopts import Parameter

from mtlkit.cli.arguments import Json
from mtlkit.cli.show import say_json, say_text
from mtlkit.contracts.card import PluginKind
from mtlkit.errors import PluginError

Thing = Annotated[
    str, Parameter(help="an installed plugin (NAME or KIND/NAME), MODULE:OBJECT or FILE.py:OBJECT")
]
Kind = Annotated[PluginKind | None, Parameter(help="the kind, where several plugins have the name")]
ProfileOption = Annotated[
    Literal["quick", "standard", "deep"],
    Parameter(help="how hard to try: at most 20 s, 2 min or 15 min a plugin on two cores"),
]
Only = Annotated[
    tuple[str, ...],
    Parameter(name="--only", negative=(), show_default=False, help="try this law alone (repeatable)"),
]
Seed = Annotated[int, Parameter(help="seed of the generated examples")]


def check(
    thing: Thing,
    /,
    *,
    profile: ProfileOption = "quick",
    kind: Kind = None,
    seed: Seed = 0,
    only: Only = (),
    json: Json = False,
) -> int:
    """Hold a plugin against every law of its kind; each failure comes with a script that shows it."""
    from mtlkit.testing import check_plugin

    report = check_plugin(thing, profile, kind=kind, seed=seed, only=only)
    if json:
        say_json(report.document())
    else:
        say_text(str(report))
    return 0 if report.passed else PluginError.exit_code
