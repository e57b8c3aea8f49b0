"""Optimizers of torch that take dense gradients and need no closure, as plain values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

if TYPE_CHECKING:
    from torch.optim import Optimizer

Spec = dict[str, Any]
FIXED: dict[str, tuple[dict[str, Any], ...]] = {
    "SGD": ({}, {"momentum": 0.9}, {"momentum": 0.9, "nesterov": True}, {"momentum": 0.5, "dampening": 0.1}),
    "Adam": ({}, {"amsgrad": True}),
    "AdamW": ({}, {"amsgrad": True}),
    "RMSprop": ({}, {"momentum": 0.9}, {"centered": True}),
    "Adagrad": ({},),
    "Adadelta": ({},),
    "RAdam": ({},),
    "NAdam": ({},),
    "Adamax": ({},),
    "Rprop": ({},),
    "Adafactor": ({},),
    "ASGD": ({},),
}
WITHOUT_DECAY = ("Rprop",)


def optimizers(kinds: Sequence[str] = tuple(FIXED)) -> st.SearchStrategy[Spec]:
    """Specs of optimizers: `kind` (the class in `torch.optim`), `options`, `decay`, `foreach`."""
    return st.sampled_from(tuple(kinds)).flatmap(
        lambda kind: st.fixed_dictionaries(
            {
                "kind": st.just(kind),
                "options": st.sampled_from(FIXED[kind]),
                "decay": st.sampled_from((0.0,) if kind in WITHOUT_DECAY else (0.1, 0.0)),
                "foreach": st.booleans(),
            }
        )
    )


def build_optimizer_of(spec: Spec, groups: Sequence[dict[str, Any]]) -> Optimizer:
    """The optimizer of a spec over torch-style groups; a group's own `weight_decay` wins over the spec's."""
    import torch

    decay = {} if spec["kind"] in WITHOUT_DECAY else {"weight_decay": spec["decay"]}
    make = getattr(torch.optim, spec["kind"])
    made: Optimizer = make(list(groups), **decay, **spec["options"], foreach=spec["foreach"])
    return made
