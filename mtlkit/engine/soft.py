"""Soft freezing: penalties added to a step's loss, and weights replaced while a forward pass runs."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from math import isfinite
from typing import Any

import torch
from attrs import frozen
from torch import Tensor, nn

from mtlkit.contracts.params import ParamTable
from mtlkit.contracts.progress import Progress
from mtlkit.contracts.regularizer import Mixed, Pulled, Regularizer
from mtlkit.contracts.selectors import parse
from mtlkit.engine.apply import Handles
from mtlkit.engine.seeds import derive
from mtlkit.errors import NotFiniteError, returned
from mtlkit.plan.model import Part


@frozen(eq=False)
class SoftFreeze:
    """A regularizer of the recipe, and the starting values of the weights it applies to, by name."""

    name: str
    regularizer: Regularizer
    table: ParamTable
    starts: Mapping[str, Tensor]
    importance: dict[str, Tensor]

    @classmethod
    def of(cls, part: Part, regularizer: Regularizer, table: ParamTable, handles: Handles) -> "SoftFreeze":
        """The regularizer with a copy of its weights as they are now."""
        selectors = [parse(text) for text in part.options.patterns()]
        names = [row.name for row in table if any(each.matches(row, table) for each in selectors)]
        starts = {name: handles.parameters(name)[0].detach().clone() for name in names}
        return cls(part.name, regularizer, table, starts, {})

    def pulled(self, handles: Handles) -> list[Pulled]:
        """Its weights that train now, in table order."""
        found = []
        for row in self.table:
            if row.name in self.starts:
                value = handles.parameters(row.name)[0]
                if value.requires_grad and value.numel():
                    start, importance = self.starts[row.name], self.importance.get(row.name)
                    found.append(Pulled(row, value, start, importance))
        return found


def add_penalties(soft: Sequence[SoftFreeze], handles: Handles, progress: Progress) -> dict[str, float]:
    """Add the gradient of every penalty; returns their values by regularizer.

    Raises:
        NotFiniteError: when a penalty is not finite, before any weight has changed.
    """
    values: dict[str, float] = {}
    for each in soft:
        penalty = each.regularizer.penalty(each.pulled(handles))
        penalty = returned(penalty, Tensor | None, f"regularizer {each.name!r}", "penalty")
        if penalty is None:
            continue
        value = float(penalty.detach())
        if not isfinite(value):
            raise NotFiniteError(
                f"the penalty of regularizer {each.name!r} is {value} at step {progress.step}; "
                "no weight has been changed by it",
                "lower its strength, or the rates",
            )
        values[each.name] = values.get(each.name, 0.0) + value
        if penalty.requires_grad:
            torch.autograd.backward(penalty)
    return values


@contextmanager
def mixed(soft: Sequence[SoftFreeze], handles: Handles, seed: int, *purpose: str | int) -> Iterator[None]:
    """Weights replaced as the regularizers say, for one forward and backward pass, and put back after it."""
    kept: list[tuple[nn.Parameter, Tensor]] = []
    hooks: list[Any] = []
    try:
        for number, each in enumerate(soft):
            for weight in each.pulled(handles):
                generator = torch.Generator(weight.start.device)
                generator.manual_seed(derive(seed, *purpose, number, weight.row.name))
                made = each.regularizer.mix(weight, generator)
                made = returned(made, Mixed | None, f"regularizer {each.name!r}", "mix")
                if made is not None:
                    kept.append((handles.parameters(weight.row.name)[0], weight.value.detach().clone()))
                    hooks += _replace(handles.parameters(weight.row.name), made.value, made.gradient)
        yield
    finally:
        for hook in hooks:
            hook.remove()
        with torch.no_grad():
            for parameter, value in reversed(kept):
                parameter.copy_(value)


def _replace(parameters: Sequence[nn.Parameter], value: Tensor, factor: Tensor) -> list[Any]:
    """Write a weight's storage once, and scale the gradient of every parameter over it."""
    first = parameters[0]
    with torch.no_grad():
        first.copy_(value)
    return [
        parameter.register_hook(partial(torch.mul, _seen_as(factor, first, parameter)))  # type: ignore[no-untyped-call]
        for parameter in parameters
    ]


def _seen_as(factor: Tensor, first: nn.Parameter, other: nn.Parameter) -> Tensor:
    """The factor of a storage region, laid out as another parameter over it sees the region."""
    if other is first:
        return factor
    reach = sum((n - 1) * stride for n, stride in zip(first.shape, first.stride(), strict=True)) + 1
    region = factor.new_ones(reach)
    region.as_strided(first.shape, first.stride(), 0).copy_(factor)
    return region.as_strided(other.shape, other.stride(), other.storage_offset() - first.storage_offset())
