"""Laws of backbones with a stem and a tail: the two make up the whole, bit for bit."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from mtlkit.contracts.backbone import Splittable
from mtlkit.testing.backbone_rows import encoded, far, lab_of, offering, precise, real
from mtlkit.testing.law import law, require
from mtlkit.testing.laws.backbone import cases, odd_cases
from mtlkit.testing.modules import same
from mtlkit.testing.subject import Subject

Table = Mapping[str, Any]


splits = offering(Splittable, "it has no stem and tail")


@law(
    "B19",
    why="stored states replace the lower blocks; training from them must be the same training",
    mistake="a dropout, norm or position added twice or left out at the split, an off-by-one in the blocks",
    given=cases,
    corners=odd_cases,
    applies=splits,
)
def stem_and_tail_are_the_whole(subject: Subject, options: Table, form: str, rows: list[int]) -> None:
    """The tail of the stem is forward, bit for bit, at every depth; a stem needs no weight above it."""
    lab = lab_of(subject, options)
    backbone = lab.build()
    batch = backbone.collate(backbone.prepare(lab.rows(form, rows)))
    with torch.no_grad():
        whole = backbone.forward(batch)
        for depth in range(backbone.depth + 1):
            hidden = backbone.stem(batch, depth)
            size = (*batch.mask.shape, backbone.hidden_size)
            told = f"the stem at depth {depth} has shape {tuple(hidden.shape)} and not {size}"
            require(tuple(hidden.shape) == size, told)
            found = backbone.tail(hidden.clone(), batch, depth)
            for name in ("tokens", "mask", "words"):
                equal = same(getattr(found, name), getattr(whole, name))
                require(equal, f"split at depth {depth}, {name} are others than those of forward")
            _check_stem(backbone, batch, depth, hidden)
    require(same(backbone.forward(batch).tokens.detach(), whole.tokens), "a split changes later runs")


@law(
    "B20",
    why="stored states are shared by batches that are padded otherwise",
    mistake="states that depend on the padding, or a tail that reads the stem's own batch",
    given=cases,
    corners=odd_cases,
    applies=splits,
)
def stems_fit_any_batch(subject: Subject, options: Table, form: str, rows: list[int]) -> None:
    """The states of a row, cut to its tokens and padded with zeros, give its features in another batch."""
    lab = lab_of(subject, options)
    backbone, given = precise(lab), lab.rows(form, rows)
    with torch.no_grad():
        batch, whole = encoded(backbone, given)
        for depth in range(backbone.depth + 1):
            hidden = torch.zeros_like(backbone.stem(batch, depth))
            for at, row in enumerate(given):
                alone = backbone.collate(backbone.prepare([row]))
                states = backbone.stem(alone, depth)[0]
                hidden[at, : len(states)] = states
            found = backbone.tail(hidden, batch, depth)
            for at in range(len(given)):
                told = far(real(found, at), real(whole, at))
                require(not told, f"from states stored at depth {depth}, row {at} differs: {told}")


def _check_stem(backbone: Any, batch: Any, depth: int, hidden: Tensor) -> None:  # noqa: ANN401  a backbone
    above = [weight for name, weight in backbone.named_parameters() if backbone.place(name)[1] > depth]
    kept = [weight.clone() for weight in above]
    for weight in above:
        weight += 1.0
    after = backbone.stem(batch, depth)
    for weight, value in zip(above, kept, strict=True):
        weight.copy_(value)
    require(same(hidden, after), f"the stem at depth {depth} depends on a weight above it")
