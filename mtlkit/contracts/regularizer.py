"""Regularizer: soft freezing, a pull of weights that train towards where they started."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from attrs import frozen

from mtlkit.contracts.params import Row

if TYPE_CHECKING:
    from torch import Generator, Tensor


@frozen(eq=False)
class Pulled:
    """A weight that trains and that a regularizer applies to.

    `value` is the weight itself, with gradient; `start` its value when the run began; `importance` the
    diagonal of the Fisher information, for regularizers that ask for it. All have the shape `row.shape`.
    """

    row: Row
    value: Tensor
    start: Tensor
    importance: Tensor | None = None


@frozen(eq=False)
class Mixed:
    """What stands in for a weight in one forward pass: its value, and a factor on its gradient."""

    value: Tensor
    gradient: Tensor


class RegularizerOptions(Protocol):
    """The options object of a regularizer card, checked without torch."""

    def patterns(self) -> tuple[str, ...]:
        """Selectors of the weights it applies to; a weight that one of them matches is one."""
        ...


class Regularizer(Protocol):
    """Built as `build(options)`. It sees only weights that train; a frozen weight is never touched.

    `fisher_rows` is how many training rows of each source the importance is estimated from; 0: none.
    """

    fisher_rows: int

    def penalty(self, weights: Sequence[Pulled]) -> Tensor | None:
        """A scalar ≥ 0 with gradient that is added to the loss of a step; None for no penalty."""
        ...

    def mix(self, weight: Pulled, generator: Generator) -> Mixed | None:
        """What stands in for the weight in a forward pass, drawn from `generator`; None for itself."""
        ...
