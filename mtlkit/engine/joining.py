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
    return Features(
        tokens=torch.cat([_widened(part.tokens, length, 0.0) for part in parts])[back],
        mask=torch.cat([_widened(part.mask, length, False) for part in parts])[back],
        words=torch.cat([_widened(part.words, length, -1) for part in parts])[back],
        pooled=torch.cat(pooled)[back] if pooled else None,
    )


def _widened(values: Tensor, length: int, filler: float) -> Tensor:
    """`values` [B, t, …] with `filler` behind each row up to [B, length, …]."""
    behind = [0, 0] * (values.dim() - 2) + [0, length - values.shape[1]]
    return torch.nn.functional.pad(values, behind, value=filler)
