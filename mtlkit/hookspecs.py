"""The one hook a plugin distribution implements.

A distribution names a module in the entry-point group `mtlkit`:

    [project.entry-points.mtlkit]
    myplugin = "mtlkit_myplugin"

and that module implements the hook with `mtlkit.hookimpl`:

    @mtlkit.hookimpl
    def mtlkit_cards():
        return [mtlkit.Card(kind="freeze", name="every-other", summary="…", options=EveryOther)]
"""

from collections.abc import Iterable

import pluggy

from mtlkit.contracts.card import Card

PROJECT = "mtlkit"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def mtlkit_cards() -> Iterable[Card]:
    """The cards of this distribution. Called once per command; must import neither torch nor transformers."""
    raise NotImplementedError
