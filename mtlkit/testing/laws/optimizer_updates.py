"""Laws of optimizers about what goes into an update: its own gradient, and no decay but that of its group."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from mtlkit.testing.law import law, require
from mtlkit.testing.laws.bench import SIZES, Plugin, copied, grouped, weights
from mtlkit.testing.laws.moments import starts
from mtlkit.testing.laws.optimizer import build, first_tables, tables
from mtlkit.testing.subject import Subject

Table = Mapping[str, Any]
STEPS, RATE = 10, 0.5
LITTLE = 1e-6
SMALL, LARGE = 1e-3, 1e3
OTHERS = "heads."


@law(
    "O15",
    why="the decay in the plan is the one there is: a weight that is to keep its place has a decay of 0",
    mistake="a decay of its own inside step, on top of the group's weight_decay",
    given=tables,
    corners=first_tables,
    share=0.2,
)
def no_decay_but_the_groups(subject: Subject, options: Table) -> None:
    """In groups without weight decay, a weight whose gradients have all been 0 stays where it is."""
    plugin, parameters = build(subject, options), weights()
    optimizer = plugin.over(grouped(plugin, parameters, decay=lambda row: 0.0))
    before = copied(parameters)
    for _ in range(STEPS):
        _step(optimizer, parameters, lambda name, weight: torch.zeros_like(weight))
    for name, size in SIZES.items():
        if size:
            most = float((parameters[name].detach() - before[name]).abs().max())
            require(
                most <= LITTLE,
                f"without weight decay, {STEPS} steps with a gradient of 0 and rate {RATE} moved {name} by "
                f"{most:.3g}",
            )


def by_itself(subject: Subject) -> str:
    """Applies to optimizers that update each weight by itself."""
    couples = getattr(subject.options_class, "couples_weights", False)
    return "it declares couples_weights" if couples else ""


@law(
    "O16",
    why="gradients are clipped by the recipe, and the log shows their norm; clipping twice shows nowhere",
    mistake="clip_grad_norm_ inside step; else declare couples_weights on the options class",
    applies=by_itself,
)
def weights_are_updated_apart(subject: Subject) -> None:
    """The first update of a weight is the same whatever the gradients of others, unless options say so."""
    found = []
    for table in starts(subject):
        plugin = build(subject, table)
        found.append((_first_update(plugin, SMALL), _first_update(plugin, LARGE)))
    coupled = [name for small, large in found for name in _differing(small, large)]
    free = any(not _differing(small, large) for small, large in found)
    # Where an option says how far others count, tables that agree without them differ with them.
    told = any(
        not _differing(one[0], other[0]) and _differing(one[1], other[1]) for one in found for other in found
    )
    require(
        not coupled or free or told,
        f"the first update of {min(coupled, default='')} is another when the gradients of heads are "
        f"{LARGE:g} instead of {SMALL:g}, whatever the options",
    )


def _first_update(plugin: Plugin, others: float) -> dict[str, Tensor]:
    """Where the weights of the backbone are after one step, with gradients of that size in the heads."""
    parameters = weights()
    optimizer = plugin.over(grouped(plugin, parameters, decay=lambda row: 0.0))
    sizes = {name: others if name.startswith(OTHERS) else SMALL for name in parameters}
    _step(optimizer, parameters, lambda name, weight: torch.full_like(weight, sizes[name]))
    return {name: each for name, each in copied(parameters).items() if not name.startswith(OTHERS)}


def _differing(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> list[str]:
    return [name for name in one if not torch.allclose(one[name], other[name], rtol=1e-9, atol=1e-12)]


def _step(
    optimizer: torch.optim.Optimizer,
    parameters: Mapping[str, torch.nn.Parameter],
    gradient: Callable[[str, Tensor], Tensor],
) -> None:
    for group in optimizer.param_groups:
        group["lr"] = RATE
    for name, parameter in parameters.items():
        parameter.grad = gradient(name, parameter.detach()) if parameter.numel() else None
    with torch.enable_grad():
        optimizer.step()
    optimizer.zero_grad(set_to_none=True)
