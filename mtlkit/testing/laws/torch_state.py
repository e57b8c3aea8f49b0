"""Laws of plugins that are torch modules: torch's settings and the modes of modules stay as they are."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from mtlkit.testing.asking import build, questions
from mtlkit.testing.kinds import behaviour_of
from mtlkit.testing.law import law, require
from mtlkit.testing.laws.general import first, tables
from mtlkit.testing.modules import changed, flags_of, restore, torch_state
from mtlkit.testing.subject import Subject

Table = Mapping[str, Any]


@law(
    "G12",
    why="what one plugin sets for the whole process changes the training of every other one",
    mistake="torch.set_grad_enabled(False), set_default_dtype, set_num_threads, eval() on itself in a call",
    given=tables,
    corners=first,
    share=0.5,
)
def torch_is_left_as_it_was(subject: Subject, options: Table) -> None:
    """Building and asking it changes none of torch's global settings and no module's mode."""
    before = torch_state()
    try:
        plugin = build(subject, options)
        behaviour_of(subject.kind).fresh(plugin)
        told = changed(before, torch_state())
        require(not told, f"building it changed {', '.join(told)}")
        for enabled in (True, False):
            with torch.set_grad_enabled(enabled):
                _check_questions(subject, plugin)
    finally:
        restore(before)


def _check_questions(subject: Subject, plugin: Any) -> None:  # noqa: ANN401  the plugin
    module = getattr(plugin, "module", plugin)
    for name, question in questions(subject, plugin).items():
        if not torch.is_grad_enabled() and not name.startswith(
            ("scores", "predictions", "features", "targets")
        ):
            continue
        before, flags = torch_state(), flags_of(module) if isinstance(module, nn.Module) else {}
        question()
        told = changed(before, torch_state())
        require(not told, f"asking for {name} changed {', '.join(told)}")
        told = changed(flags, flags_of(module)) if flags else []
        require(not told, f"asking for {name} changed {', '.join(told)}")
