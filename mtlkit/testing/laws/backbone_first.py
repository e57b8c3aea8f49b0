"""The law of backbones that give first tokens alone."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import torch
from torch import Tensor

from mtlkit.contracts.backbone import Features, FirstAlone
from mtlkit.testing.backbone_rows import far, lab_of, offering, precise
from mtlkit.testing.law import law, require
from mtlkit.testing.laws.backbone import cases, odd_cases
from mtlkit.testing.laws.backbone_split import splits
from mtlkit.testing.modules import same
from mtlkit.testing.subject import Subject

Table = Mapping[str, Any]


first_alone = offering(FirstAlone, "it has no `first_alone`")


@law(
    "B30",
    why="heads that read the first token train on what is computed for it alone; it must be the same token",
    mistake="another token, one that sees no others, padding that is seen, or a switch that stays on",
    given=cases,
    corners=odd_cases,
    applies=first_alone,
    share=0.5,
)
def first_tokens_are_the_same_alone(subject: Subject, options: Table, form: str, rows: list[int]) -> None:
    """Inside `first_alone`, first tokens and gradients are those without it; after it, all is as before."""
    lab = lab_of(subject, options)
    backbone: Any = precise(lab)
    batch = backbone.collate(backbone.prepare(lab.rows(form, rows))).to("cpu")
    whole = backbone.forward(batch)
    with backbone.first_alone():
        alone = backbone.forward(batch)
    _check(alone, whole, "forward")
    _check_gradients(backbone, alone, whole)
    with torch.no_grad():
        for depth in range(backbone.depth + 1) if splits(subject) == "" else ():
            below = backbone.stem(batch, depth)
            with backbone.first_alone():
                require(same(backbone.stem(batch, depth), below), f"the stem at depth {depth} is another")
                _check(backbone.tail(below.clone(), batch, depth), whole, f"the tail from depth {depth}")
        _fail(backbone)
        again = backbone.forward(batch)
    require(same(again.tokens, whole.tokens.detach()), "after `first_alone`, features are others than before")


def _check(alone: Features, whole: Features, call: str) -> None:
    gap = far(alone.tokens[:, 0], whole.tokens[:, 0])
    require(not gap, f"alone, the first tokens of {call} are others: {gap}")
    for name in ("mask", "words"):
        ours, theirs = getattr(alone, name), getattr(whole, name)
        shape = tuple(alone.tokens.shape[:2])
        told = f"{name} of {call} has shape {tuple(ours.shape)}, and tokens {shape}"
        require(tuple(ours.shape) == shape, told)
        require(same(ours[:, 0], theirs[:, 0]), f"alone, {name} of the first tokens of {call} is another")


def _check_gradients(backbone: Any, alone: Features, whole: Features) -> None:  # noqa: ANN401  a backbone
    weights = {name: weight for name, weight in backbone.named_parameters() if weight.requires_grad}
    ours, theirs = (_gradients(each.tokens[:, 0], list(weights.values())) for each in (alone, whole))
    for name, one, other in zip(weights, ours, theirs, strict=True):
        gap = far(one, other)
        require(not gap, f"alone, first tokens give {name} another gradient: {gap}")


def _gradients(states: Tensor, weights: list[Tensor]) -> list[Tensor]:
    if not states.requires_grad:
        return [torch.zeros_like(weight) for weight in weights]
    steps = torch.linspace(-1, 1, states.shape[-1], dtype=states.dtype)
    loss = (states * steps).square().sum()
    return list(torch.autograd.grad(loss, weights, allow_unused=True, materialize_grads=True))


def _fail(backbone: Any) -> None:  # noqa: ANN401  a backbone
    """An error inside the block, after which it is over too."""
    with suppress(_Stop), backbone.first_alone():
        raise _Stop


class _Stop(Exception):  # noqa: N818  raised on purpose
    pass
