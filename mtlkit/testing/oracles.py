"""What must hold of a model and its optimizer at any moment of a run, each with the law it belongs to."""

from collections.abc import Iterator, Mapping

import torch
from attrs import frozen
from torch import Tensor, nn
from torch.optim import Optimizer

from mtlkit.engine.apply import Handles
from mtlkit.engine.snapshot import Snapshot
from mtlkit.testing.law import Broken
from mtlkit.testing.models import HIDDEN, VOCABULARY

Layout = tuple[tuple[str, tuple[str, ...]], ...]
ROWS = 4


class LawBroken(Broken):
    """A law does not hold: `law` is its id, `message` what was seen."""

    def __init__(self, law: str, message: str) -> None:
        super().__init__(f"{law}: {message}")
        self.law = law
        self.message = message


def demand(holds: bool, law: str, message: str) -> None:
    """Raise `LawBroken` unless it holds."""
    if not holds:
        raise LawBroken(law, message)


def bits(tensor: Tensor) -> bytes:
    """Type, shape and bytes of a tensor, so that NaN equals NaN and 0 differs from -0."""
    plain = tensor.detach().cpu().contiguous()
    head = f"{plain.dtype} {tuple(plain.shape)} ".encode()
    return head + (plain.reshape(-1).view(torch.uint8).numpy().tobytes() if plain.numel() else b"")


@frozen(eq=False)
class Shadow:
    """The bytes of everything frozen: weights by every name, buffers, state of the optimizer."""

    weights: Mapping[str, bytes]
    buffers: Mapping[str, bytes]
    state: Mapping[str, object]


def shadow(handles: Handles, optimizer: Optimizer, trainable: frozenset[str]) -> Shadow:
    """What may not change while exactly these weights train."""
    live = _live(handles, trainable)
    frozen = _frozen_modules(handles, live)
    return Shadow(
        {name: bits(each) for name, each in handles.model.parameters() if id(each) not in live},
        {
            f"{path}.{leaf}": bits(buffer)
            for path, module in handles.model.modules()
            if id(module) in frozen
            for leaf, buffer in module.named_buffers(recurse=False)
        },
        {
            f"{name}::{key}": bits(value) if isinstance(value, Tensor) else value
            for name, weight in handles.weights.items()
            if name not in trainable
            for key, value in optimizer.state.get(weight.parameters[0], {}).items()
        },
    )


def check_unmoved(before: Shadow, now: Shadow, when: str) -> None:
    """F1 (weights), F4 (buffers), F9 (optimizer state): nothing frozen has changed."""
    for law, what, one, two in (
        ("F1", "frozen weights", before.weights, now.weights),
        ("F4", "buffers of frozen modules", before.buffers, now.buffers),
        ("F9", "optimizer state of frozen weights", before.state, now.state),
    ):
        moved = sorted(name for name in {*one, *two} if one.get(name) != two.get(name))
        demand(not moved, law, f"{what} changed {when}: {', '.join(moved[:4])}")


def check_flags(handles: Handles, trainable: frozenset[str], when: str) -> None:
    """F7: a weight wants a gradient if and only if it trains. F8: what is frozen has none."""
    live = _live(handles, trainable)
    for name, parameter in handles.model.parameters():
        trains = id(parameter) in live
        told = "trains" if trains else "is frozen"
        flag = parameter.requires_grad
        demand(flag == trains, "F7", f"{name} {told} and has requires_grad = {flag} {when}")
        demand(trains or parameter.grad is None, "F8", f"{name} is frozen and has a gradient {when}")


def check_modes(handles: Handles, trainable: frozenset[str], when: str) -> None:
    """F6: eval mode for all below a module with nothing but frozen weights, train mode for all else.

    What is wholly frozen also computes the same twice, whatever the random numbers.
    """
    frozen = _frozen_modules(handles, _live(handles, trainable))
    for path, module in handles.model.modules():
        is_frozen = id(module) in frozen
        mode = "train" if module.training else "eval"
        kind = "frozen" if is_frozen else "not frozen"
        demand(module.training != is_frozen, "F6", f"{path} is {kind} and in {mode} mode {when}")
    for path, module, given in _whole_parts(handles):
        if id(module) in frozen:
            with torch.no_grad(), torch.random.fork_rng():
                once, twice = (bits(module(given)) for _ in range(2))
            demand(once == twice, "F6", f"{path} is frozen and computes two results {when}")


def layout(optimizer: Optimizer) -> Layout:
    """Each group's name and weights, in order."""
    return tuple((str(group["group"]), tuple(group["names"])) for group in optimizer.param_groups)


def check_groups(handles: Handles, optimizer: Optimizer, first: Layout, when: str) -> None:
    """P1 to P3: the groups partition all weights. P12: they are those of the first step."""
    ids = [id(parameter) for group in optimizer.param_groups for parameter in group["params"]]
    demand(len(set(ids)) == len(ids), "P2", f"a weight is in two places of the groups {when}")
    owned = {name: weight.parameters[0] for name, weight in handles.weights.items()}
    lost = sorted(name for name, parameter in owned.items() if id(parameter) not in set(ids))
    demand(not lost, "P1", f"no group holds {', '.join(lost[:4])} {when}")
    demand(len(ids) == len(owned), "P3", f"the groups hold what is no weight of the model {when}")
    for group in optimizer.param_groups:
        told = [id(owned[name]) for name in group["names"]]
        same = told == list(map(id, group["params"]))
        demand(same, "P3", f"group {group['group']!r} holds other weights than its names say {when}")
    demand(layout(optimizer) == first, "P12", f"the groups are no longer those of the first step {when}")


def check_equal(one: Snapshot, two: Snapshot, law: str, when: str) -> None:
    """Weights, buffers and optimizer state are equal, byte by byte and name by name."""
    for what, left, right in (("weights", one.weights, two.weights), ("state", one.state, two.state)):
        differ = sorted(
            name
            for name in {*left, *right}
            if name not in left or name not in right or bits(left[name]) != bits(right[name])
        )
        demand(not differ, law, f"{what} differ {when}: {', '.join(differ[:4])}")
    demand(one.plain == two.plain, law, f"plain values of the optimizer's state differ {when}")
    demand(one.groups == two.groups, law, f"what the optimizer keeps in its groups differs {when}")
    demand(one.step == two.step, law, f"{one.step} and {two.step} steps were done {when}")


def _live(handles: Handles, trainable: frozenset[str]) -> frozenset[int]:
    return frozenset(id(p) for name in trainable for p in handles.weights[name].parameters)


def _frozen_modules(handles: Handles, live: frozenset[int]) -> frozenset[int]:
    """Every module below one that has weights and only frozen ones."""
    known: dict[int, tuple[bool, bool]] = {}

    def look(module: nn.Module) -> tuple[bool, bool]:
        """Whether there are weights below, and whether one of them trains."""
        if id(module) not in known:
            below = [(True, id(parameter) in live) for parameter in module.parameters(recurse=False)]
            below += [look(child) for child in module.children()]
            known[id(module)] = any(has for has, _ in below), any(trains for _, trains in below)
        return known[id(module)]

    found: set[int] = set()
    for _, module in handles.model.modules():
        if id(module) not in found and look(module) == (True, False):
            found |= {id(inner) for inner in module.modules()}
    return frozenset(found)


def _whole_parts(handles: Handles) -> Iterator[tuple[str, nn.Module, Tensor]]:
    """The backbone and the heads of a generated model with something to put in."""
    yield "backbone", handles.model.backbone, torch.arange(ROWS) % VOCABULARY
    for task, head in handles.model.heads.items():
        yield f"heads.{task}", head, torch.linspace(-1, 1, ROWS * HIDDEN).reshape(ROWS, HIDDEN)
