"""Joining features of groups of rows that were encoded apart."""

from collections.abc import Sequence

import torch
from torch import Tensor

from mtlkit.contracts.backbone import Features


def join(parts: Sequence[Features], groups: Sequence[Sequence[int]]) -> Features:
    """One `Features` of all rows, where `parts[i]` holds the rows at the positions `groups[i]`."""
    order = torch.tensor([at for group in groups for at in group])
    back = torch.argsort(order).to(parts[0].tokens.device)
    pooled = [part.pooled for part in parts if part.pooled is not None]
    length = max(part.mask.shape[1] for part in parts)

    def joined(values: Sequence[Tensor], filler: float) -> Tensor:
        return torch.cat([_widened(each, length, filler) for each in values])[back]

    def known(name: str, filler: float) -> Tensor | None:
        values = [getattr(part, name) for part in parts]
        return None if any(each is None for each in values) else joined(values, filler)

    return Features(
        tokens=joined([part.tokens for part in parts], 0.0),
        mask=joined([part.mask for part in parts], False),
        words=joined([part.words for part in parts], -1),
        pooled=torch.cat(pooled)[back] if pooled else None,
        ids=known("ids", 0),
        texts=known("texts", -1),
        spans=known("spans", 0),
        layers={depth: joined([part.layers[depth] for part in parts], 0.0) for depth in parts[0].layers},
    )


def _widened(values: Tensor, length: int, filler: float) -> Tensor:
    """`values` [B, t, …] with `filler` behind each row up to [B, length, …]."""
    behind = [0, 0] * (values.dim() - 2) + [0, length - values.shape[1]]
    return torch.nn.functional.pad(values, behind, value=filler)
