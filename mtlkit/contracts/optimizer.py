"""Optimizer: the builder of a torch optimizer, and what it says of weight decay."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from mtlkit.contracts.params import Row

if TYPE_CHECKING:
    from torch.optim import Optimizer


class OptimizerOptions(Protocol):
    """The options object of an optimizer card; rates are the LRSchedule's business, not here.

    Like an LRSchedule it may have `patterns()`, the selectors among the options, and `tasks()`, the task
    names among them.

    The attribute `still_without_gradient = True` says that each number is updated by its own gradient and
    state alone, and that one whose gradient has been zero since the start moves by weight decay only: then
    rows of an embedding table that never occur cost nothing. `decoupled_decay = True` says that this decay is
    the factor 1 - rate · decay; without it, only tables whose decay is 0 are updated by rows.

    The group's `weight_decay` is all the decay there is, and gradients are clipped by the recipe, not by the
    optimizer. One whose update of a weight depends on the gradients of others says so: by an option that it
    depends on, or by the attribute `couples_weights = True`.
    """

    def decay(self, row: Row) -> float:
        """The weight decay of that weight, ≥ 0."""
        ...


class OptimizerBuilder(Protocol):
    """The callable at the card's `build` address."""

    def __call__(self, options: Any, groups: Sequence[dict[str, Any]]) -> Optimizer:  # noqa: ANN401
        """A torch optimizer over torch-style groups; each has `params`, `lr` and `weight_decay`."""
        ...
