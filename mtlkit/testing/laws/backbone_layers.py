"""Laws of backbones that show the states between their blocks."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from mtlkit.contracts.backbone import Layered, Splittable
from mtlkit.testing.backbone_rows import encoded, lab_of, offering
from mtlkit.testing.law import law, require
from mtlkit.testing.laws.backbone import cases, odd_cases
from mtlkit.testing.modules import same, survivors
from mtlkit.testing.subject import Subject

Table = Mapping[str, Any]


layered = offering(Layered, "it has no `keep`")


@law(
    "B25",
    why="heads read the states between blocks, and they must be those that the blocks work on",
    mistake="depths counted from 1, the input of a block for its output, states detached",
    given=cases,
    corners=odd_cases,
    applies=layered,
    share=0.5,
)
def kept_states_are_those_of_the_stem(subject: Subject, options: Table, form: str, rows: list[int]) -> None:
    """`keep` shows the states [B, T, H] after the depths asked for, bit for bit, and changes no features."""
    lab = lab_of(subject, options)
    backbone, given = lab.build(), lab.rows(form, rows)
    batch = backbone.collate(backbone.prepare(given)).to("cpu")
    depths = list(range(backbone.depth + 1))
    with torch.no_grad():
        plain = backbone.forward(batch)
        size = (*plain.mask.shape, backbone.hidden_size)
        for asked in (depths, depths[::-1], depths[-1:], []):
            with backbone.keep(asked) as kept:
                found = backbone.forward(batch)
            require(same(found.tokens, plain.tokens), "with states kept, the features are others")
            told = f"asked for the depths {asked}, it keeps {sorted(kept)}"
            require(sorted(kept) == sorted(asked), told)
            for depth, states in kept.items():
                shape = tuple(states.shape)
                require(shape == size, f"states at depth {depth} have shape {shape} and not {size}")
                if isinstance(backbone, Splittable):
                    equal = same(states, backbone.stem(batch, depth))
                    require(equal, f"the states kept at depth {depth} are not those of the stem")
        if isinstance(backbone, Splittable):
            _check_tails(backbone, batch, depths)
    _check_gradients(backbone, batch)


@law(
    "B26",
    why="states are kept for one batch; what stays behind grows, or shows up among those of the next one",
    mistake="hooks that are not removed, also where the forward pass fails, or one dictionary for all runs",
    given=cases,
    corners=odd_cases,
    applies=layered,
    share=0.3,
)
def keeping_ends_with_its_block(subject: Subject, options: Table, form: str, rows: list[int]) -> None:
    """After the block nothing more is kept, whatever happened inside; blocks one after another are apart."""
    lab = lab_of(subject, options)
    backbone, given = lab.build(), lab.rows(form, rows)
    with torch.no_grad():
        batch, plain = encoded(backbone, given)
        with backbone.keep([0]) as first:
            backbone.forward(batch)
        before = first[0]
        with backbone.keep([backbone.depth]) as second:
            backbone.forward(batch)
        backbone.forward(backbone.collate(backbone.prepare(given[:1])).to("cpu"))
        require(list(first) == [0] and first[0] is before, "a later run changed what was kept before")
        require(list(second) == [backbone.depth], f"kept apart, it keeps {sorted(second)}")
        _fail(backbone, batch)
        again = backbone.forward(batch)
    require(same(again.tokens, plain.tokens), "after states were kept, the features are others")

    def run() -> dict[str, Tensor]:
        fresh = backbone.collate(backbone.prepare(given)).to("cpu")
        with torch.no_grad(), backbone.keep([0, backbone.depth]) as kept:
            found = backbone.forward(fresh)
        return {"the features": found.tokens, **{f"states at depth {at}": each for at, each in kept.items()}}

    held = survivors(run)
    require(not held, f"after a batch something still holds {' and '.join(held)}")


def _check_tails(backbone: Any, batch: Any, depths: list[int]) -> None:  # noqa: ANN401  a backbone
    """The tail keeps what it runs, the states that it starts from included or not."""
    for start in depths:
        hidden = backbone.stem(batch, start)
        with backbone.keep(depths) as kept:
            backbone.tail(hidden.clone(), batch, start)
        wanted = [depth for depth in depths if depth > start]
        mine = sorted(kept)
        right = mine in (wanted, [start, *wanted])
        require(right, f"the tail from depth {start} keeps the states at {mine}; {wanted} would be right")
        for depth, states in kept.items():
            told = f"the tail from depth {start} keeps other states at depth {depth} than the stem gives"
            require(same(states, backbone.stem(batch, depth)), told)


def _check_gradients(backbone: Any, batch: Any) -> None:  # noqa: ANN401  a backbone
    with backbone.keep([backbone.depth]) as kept:
        found = backbone.forward(batch)
    if found.tokens.requires_grad:
        told = f"the states at depth {backbone.depth} have no gradient, and the features have one"
        require(kept[backbone.depth].requires_grad, told)


def _fail(backbone: Any, batch: Any) -> None:  # noqa: ANN401  a backbone
    """An error inside the block."""
    try:
        with backbone.keep([0]) as kept:
            raise _Stop
    except _Stop:
        backbone.forward(batch)
        require(not kept, "after an error in its block, states of a later run are kept")


class _Stop(Exception):  # noqa: N818  raised on purpose
    pass
