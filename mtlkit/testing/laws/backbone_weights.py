"""Laws of backbones about weights: their places, their gradients, how they are built."""

import random
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import nn

from mtlkit.testing.backbone_rows import Lab, encoded, far, lab_of
from mtlkit.testing.law import law, require
from mtlkit.testing.laws.backbone import cases, odd_cases
from mtlkit.testing.laws.general import first, tables
from mtlkit.testing.modules import changed, hidden_weights, same, shared
from mtlkit.testing.subject import Subject

Table = Mapping[str, Any]
ROLES = {"embeddings", "block", "final"}


@law(
    "B5",
    why="freezing and rates by depth mean what the place of each weight says",
    mistake="`layer.1` taken for `layer.10`, blocks counted from 0, a norm behind the blocks called a block",
    given=tables,
    corners=first,
)
def every_weight_has_its_place(subject: Subject, options: Table) -> None:
    """Each weight has a role that fits its depth: embeddings 0, blocks 1 to L, final L+1; none is empty."""
    backbone = lab_of(subject, options).build()
    depth, seen = backbone.depth, set()
    for name, _ in backbone.named_parameters(remove_duplicate=False):
        role, at = backbone.place(name)
        right = "embeddings" if at == 0 else "block" if 1 <= at <= depth else "final"
        require(role in ROLES and isinstance(at, int), f"the place of {name} is {role!r}, {at!r}")
        require(0 <= at <= depth + 1, f"{name} is at depth {at}, and there are {depth} blocks")
        require(role == right, f"{name} is called {role} at depth {at}; with {depth} blocks that is {right}")
        seen.add(at)
    missing = [at for at in range(1, depth + 1) if at not in seen]
    require(not missing, f"no weight is in block {', '.join(map(str, missing))} of {depth}")
    _check_siblings(backbone)


@law(
    "B8",
    why="a checkpoint and an export hold parameters and buffers, and the rest is built again",
    mistake="a random table in a plain attribute, or a buffer with persistent=False drawn at random",
    given=cases,
    corners=odd_cases,
    share=0.3,
)
def weights_are_all_there_is(subject: Subject, options: Table, form: str, rows: list[int]) -> None:
    """A backbone built anew that is given the weights of another gives the same features, bit for bit."""
    lab = lab_of(subject, options)
    one, other = lab.build(), lab.build(seed=1)
    other.load_state_dict(one.state_dict())
    with torch.no_grad():
        mine, theirs = (encoded(each, lab.rows(form, rows))[1].tokens for each in (one, other))
    require(same(mine, theirs), "with the same weights, another backbone gives other features")


@law(
    "B9",
    why="the same recipe must start from the same weights",
    mistake="torch.manual_seed in the builder, weights drawn with numpy, missing weights filled in at random",
    given=tables,
    corners=first,
    share=0.5,
)
def weights_depend_on_torchs_seed_alone(subject: Subject, options: Table) -> None:
    """Built twice under one seed it has the same weights; the seed is not set anew."""
    lab = lab_of(subject, options)
    states, kept = [], (random.getstate(), np.random.get_state())
    try:
        for number in (1, 2):
            random.seed(number)
            np.random.seed(number)
            states.append(dict(lab.build(seed=3).state_dict()))
    finally:
        random.setstate(kept[0])
        np.random.set_state(kept[1])
    moved = changed(*states)
    require(not moved, f"built twice under one seed, {', '.join(moved[:5])} is different")
    ends = []
    for number in (1, 2):
        with torch.random.fork_rng():
            torch.manual_seed(number)
            lab.make()
            ends.append(torch.random.get_rng_state())
    require(not torch.equal(*ends), "building it sets torch's global seed")


@law(
    "B10",
    why="a weight without gradient is trained in name only",
    mistake="no_grad or detach() below a block, a pooler or a second stack that the features never pass",
    given=tables,
    corners=first,
    share=0.5,
)
def every_weight_learns(subject: Subject, options: Table) -> None:
    """A gradient reaches each trainable weight, but for those that `unused()` names, which have none."""
    lab = lab_of(subject, options)
    backbone = lab.build()
    unused = set(backbone.unused()) if hasattr(backbone, "unused") else set()
    _backward(lab, backbone)
    for name, weight in backbone.named_parameters():
        if weight.requires_grad and name not in unused:
            require(weight.grad is not None, f"no gradient reaches {name}; name it in `unused()` if so meant")
        if name in unused:
            require(weight.grad is None, f"unused() names {name}, and a gradient reaches it")
    gone = unused - {name for name, _ in backbone.named_parameters()}
    require(not gone, f"unused() names {', '.join(sorted(gone))}, which are no weights")


@law(
    "B11",
    why="a recipe may freeze upper blocks and train what is below them",
    mistake="no_grad around blocks whose weights are frozen",
    given=tables,
    corners=first,
    share=0.5,
)
def gradients_pass_frozen_blocks(subject: Subject, options: Table) -> None:
    """With everything above them frozen, the lowest weights have the gradients that they have otherwise."""
    lab = lab_of(subject, options)
    one, other = lab.build(), lab.build()
    depths = [other.place(name)[1] for name, weight in other.named_parameters() if weight.requires_grad]
    if not depths:
        return
    for name, weight in other.named_parameters():
        weight.requires_grad_(weight.requires_grad and other.place(name)[1] == min(depths))
    _backward(lab, one)
    _backward(lab, other)
    theirs = dict(one.named_parameters())
    for name, weight in other.named_parameters():
        wanted = theirs[name].grad
        if weight.requires_grad and wanted is not None:
            require(weight.grad is not None, f"with frozen blocks above, no gradient reaches {name}")
            told = "" if weight.grad is None else far(weight.grad, wanted)
            require(not told, f"with frozen blocks above, the gradient of {name} is another: {told}")


@law(
    "B21",
    why="`mtlkit plan` builds the backbone on torch's meta device, without weights, and plans with its names",
    mistake="weights read with pretrained=False, .item() in the constructor, weights made only when loading",
    given=tables,
    corners=first,
    share=0.5,
)
def the_plan_sees_the_same_weights(subject: Subject, options: Table) -> None:
    """Without weights, on the meta device, it has the same weights of the same shapes at the same places."""
    lab = lab_of(subject, options)
    with torch.device("meta"):
        outline = lab.make(pretrained=False)
    backbone = lab.build()
    mine, theirs = _described(outline), _described(backbone)
    moved = changed(theirs, mine)
    require(not moved, f"on the meta device, without weights, {', '.join(moved[:5])} differ from a run's")
    away = [name for name, each in outline.named_parameters() if each.device.type != "meta"]
    require(not away, f"built on the meta device, {', '.join(away[:5])} is on another one")


@law(
    "B22",
    why="a weight that is not registered is never trained, saved, moved to a device or frozen",
    mistake="blocks in a plain list, or one module kept for all backbones",
    given=tables,
    corners=first,
    share=0.5,
)
def weights_are_registered_and_its_own(subject: Subject, options: Table) -> None:
    """Every weight is among its parameters; two backbones share no memory."""
    lab = lab_of(subject, options)
    one, other = lab.make(), lab.make()
    require(isinstance(one, nn.Module), f"the builder gives {type(one).__name__}, which is no torch module")
    hidden = hidden_weights(one)
    require(not hidden, f"{', '.join(hidden)} holds weights that are not among its parameters")
    same_memory = shared(one, other)
    require(not same_memory, f"two backbones share {', '.join(same_memory[:5])}")


@law(
    "B23",
    why="precision `bf16` runs the backbone under autocast",
    mistake="a constant like -1e30 that overflows, or tensors made in float32 beside half ones",
    given=cases,
    corners=odd_cases,
    share=0.5,
)
def half_precision_works(subject: Subject, options: Table, form: str, rows: list[int]) -> None:
    """Under bf16 autocast the states are finite floats, with gradient."""
    lab = lab_of(subject, options)
    backbone = lab.build()
    with torch.autocast("cpu", torch.bfloat16):
        _, found = encoded(backbone, lab.rows(form, rows))
    require(found.tokens.is_floating_point(), f"under autocast the states are of {found.tokens.dtype}")
    finite = bool(torch.isfinite(found.tokens[found.mask]).all())
    require(finite, "under bf16 autocast a state at a real token is not finite")


def _check_siblings(backbone: Any) -> None:  # noqa: ANN401  a backbone
    """Weights of one module have one place."""
    places: dict[str, tuple[str, int, str]] = {}
    for name, _ in backbone.named_parameters():
        module = name.rpartition(".")[0]
        role, at = backbone.place(name)
        known = places.setdefault(module, (role, at, name))
        told = f"{name} is at depth {at} and {known[2]}, of the same module, at depth {known[1]}"
        require(not module or known[1] == at, told)


def _backward(lab: Lab, backbone: Any) -> None:  # noqa: ANN401  a backbone
    """Gradients of a sum over all forms of rows that weighs each state differently."""
    for form in lab.forms:
        _, found = encoded(backbone, lab.rows(form, (0, 5, 2)))
        weigh = torch.randn(found.tokens.shape, generator=torch.Generator().manual_seed(0))
        total = (found.tokens * weigh)[found.mask].sum()
        if total.requires_grad:
            torch.autograd.backward(total)


def _described(backbone: Any) -> dict[str, Any]:  # noqa: ANN401  a backbone
    sizes = {"hidden_size": backbone.hidden_size, "depth": backbone.depth}
    named = backbone.named_parameters(remove_duplicate=False)
    return {
        **sizes,
        **{name: (tuple(each.shape), each.requires_grad, backbone.place(name)) for name, each in named},
    }
