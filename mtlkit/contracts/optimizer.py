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
    """

    def decay(self, row: Row) -> float:
        """The weight decay of that weight, ≥ 0."""
        ...


class OptimizerBuilder(Protocol):
    """The callable at the card's `build` address."""

    def __call__(self, options: Any, groups: Sequence[dict[str, Any]]) -> Optimizer:  # noqa: ANN401
        """A torch optimizer over torch-style groups; each has `params`, `lr` and `weight_decay`."""
        ...
