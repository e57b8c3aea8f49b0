"""From the rows that heads see to those that a model is given, and back.

Shapes: B rows of a batch, T tokens of the longest. The model is given W windows of S tokens where long rows
are encoded in windows, and the tokens of all its rows one after another where they are packed.
"""

from __future__ import annotations

from typing import Self

from attrs import frozen
from torch import Tensor

from mtlkit.builtin.backbones.packing import Packing
from mtlkit.builtin.backbones.token_batch import Batch
from mtlkit.builtin.backbones.windows import Windows


@frozen(eq=False)
class Layout:
    """How a batch is given to a model; `mask` [B, T] or [W, S] is True at real tokens of its rows."""

    mask: Tensor
    windows: Windows | None
    packing: Packing | None

    @classmethod
    def of(cls, batch: Batch, *, packed: bool) -> Self:
        """The layout of a batch, packed if asked for and if it has a token."""
        mask = batch.mask if batch.windows is None else batch.windows.mask
        lengths = mask.sum(1).tolist() if packed else []
        packing = Packing.of(lengths, mask.shape[1], mask.device) if any(lengths) else None
        return cls(mask, batch.windows, packing)

    def inputs(self, batch: Batch, padding: int) -> tuple[Tensor, Tensor | None]:
        """Ids and segment ids, padded with the id `padding`, in windows where there are some."""
        if self.windows is None:
            return batch.ids, batch.types
        types = None if batch.types is None else self.windows.apart(batch.types)
        return self.windows.apart(batch.ids, padding), types

    def model(self, rows: Tensor) -> Tensor:
        """Values [B, T, …] of rows as the model has them."""
        values = rows if self.windows is None else self.windows.apart(rows)
        return values if self.packing is None else self.packing.together(values)

    def rows(self, values: Tensor) -> Tensor:
        """Values of the model as values [B, T, …] of rows."""
        values = values if self.packing is None else self.packing.apart(values)
        return values if self.windows is None else self.windows.together(values)
