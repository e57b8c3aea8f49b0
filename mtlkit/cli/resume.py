"""`mtlkit resume`: go on with a run that did not reach its end."""

from mtlkit.cli.arguments import Allowed, AllowInexact, Json, Overrides, PluginFiles, RunFolder, Strict
from mtlkit.cli.run import show
from mtlkit.cli.signals import stopping


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
    from mtlkit.plan.changes import Leave

    leave = Leave(tuple(allow), inexact=allow_inexact, damage=not strict)
    with stopping() as stop:
        result = go_on(run, set_, plugin, leave=leave, console=True, stop=stop)
    show(result, json=json)
    return 0
