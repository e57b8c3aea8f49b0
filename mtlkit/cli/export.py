"""`mtlkit export`: the model of a finished run as folders that other libraries load."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import attrs
from cyclopts import Parameter

from mtlkit.cli.arguments import Checkpoint, Json, PluginFiles, RunFolder, Tasks
from mtlkit.cli.show import say_json, say_text
from mtlkit.contracts.shown import in_lines

if TYPE_CHECKING:
    from mtlkit.outputs.export.values import Exported

Out = Annotated[Path | None, Parameter(show_default=False, help="folder to write, by default RUN/model")]
Force = Annotated[bool, Parameter(negative=(), show_default=False, help="replace the folder if it exists")]


def export(
    run: RunFolder,
    /,
    *,
    out: Out = None,
    task: Tasks = (),
    checkpoint: Checkpoint = "best",
    force: Force = False,
    plugin: PluginFiles = (),
    json: Json = False,
) -> int:
    """Write the backbone for transformers, with adapters folded in, and the heads; load back and compare."""
    from mtlkit.api import export_run

    exported = export_run(run, out, task, checkpoint=checkpoint, replace=force, plugin_files=plugin)
    if json:
        say_json({**attrs.asdict(exported), "folder": str(exported.folder)})
    else:
        say_text(_told(exported))
    return 0


def _told(exported: "Exported") -> str:
    lines = [
        f"{exported.folder}: the backbone, for transformers.AutoModel (loaded back: off by "
        f"{exported.difference:.0e})"
    ]
    lines += [
        f"  tasks/{form.folder}: task {form.task}, for {form.library}.{form.kind} "
        f"(off by {form.difference:.0e})"
        for form in exported.forms
    ]
    lines += [
        f"  heads/{each.task}: task {each.task}, its weights only: {each.reason}" for each in exported.left
    ]
    return in_lines(lines)
