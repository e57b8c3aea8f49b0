"""`mtlkit resume`: go on with a run that did not reach its end."""

from contextlib import suppress

from mtlkit.cli.arguments import Allowed, AllowInexact, Json, Overrides, PluginFiles, RunFolder, Strict
from mtlkit.cli.going_on import naming_plugins
from mtlkit.cli.run import show
from mtlkit.cli.show import note
from mtlkit.cli.signals import stopping
from mtlkit.cli.watch import watching
from mtlkit.errors import MtlkitError


def resume(
    run: RunFolder,
    /,
    *,
    set_: Overrides = (),
    plugin: PluginFiles = (),
    allow: Allowed = (),
    allow_inexact: AllowInexact = False,
    strict: Strict = False,
    json: Json = False,
) -> int:
    """Go on with a run from its newest whole checkpoint; it ends as if it had never stopped."""
    from mtlkit.api import resume as go_on
    from mtlkit.api import stored_plan
    from mtlkit.outputs.event_log import has_ended
    from mtlkit.plan.changes import Leave

    leave = Leave(tuple(allow), inexact=allow_inexact, damage=not strict)
    with naming_plugins(plugin), stopping() as stop, watching(stop) as watch:
        with suppress(MtlkitError):  # told below
            watch.parts = stored_plan(run, plugin).parts
        over = has_ended(run) and not set_
        result = go_on(run, set_, plugin, leave=leave, console=True, stop=stop)
    if over:
        note("the run has ended: these are its results, and nothing was changed")
    show(result, json=json)
    return 0
