"""What rows say about their vectors. Shapes: B rows, V texts of a row, S scores, W vectors of size G."""

from __future__ import annotations

from typing import Self

import torch
from attrs import frozen
from torch import Tensor

MISSING = 0


@frozen(eq=False)
class EmbeddingTargets:
    """Targets of B rows.

    `known` [B] says which have all that they need. `keys` [B, V] number texts, equal for equal ones and
    `MISSING` where there is none; `groups` [B] does so for groups. `scores` [B, S] and `vectors` [B, W, G],
    of a guide or a teacher, are 0 where they are missing; S, W and G may be 0.
    """

    known: Tensor
    keys: Tensor
    groups: Tensor
    scores: Tensor
    vectors: Tensor

    def to(self, device: torch.device | str) -> Self:
        """The same targets on another device."""
        return type(self)(*(each.to(device) for each in self._parts))

    def only_known(self) -> Self:
        """The rows that have all that they need."""
        return type(self)(*(each[self.known] for each in self._parts))

    def cast(self, dtype: torch.dtype) -> Self:
        """Numbers in another precision."""
        numbers = (self.scores.to(dtype), self.vectors.to(dtype))
        return type(self)(self.known, self.keys, self.groups, *numbers)

    @property
    def _parts(self) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        return self.known, self.keys, self.groups, self.scores, self.vectors
