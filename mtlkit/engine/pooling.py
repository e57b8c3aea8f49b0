"""Pooling: one vector per row out of its token vectors."""

import torch
from torch import Tensor

from mtlkit.contracts.backbone import Pooling


def pool(tokens: Tensor, mask: Tensor, how: Pooling) -> Tensor:
    """Pool `tokens` [B, T, H] over the True positions of `mask` [B, T] to [B, H].

    `mean` averages, `cls` takes the first position, `last` the last real one, `max` the element-wise
    maximum. A row without any real token gives zeros.
    """
    if how == "cls":
        return tokens[:, 0]
    inside = mask.unsqueeze(-1)
    if how == "last":
        places = torch.arange(mask.shape[1], device=mask.device)
        last = torch.where(mask, places, 0).amax(dim=1)
        found = tokens[torch.arange(len(tokens), device=tokens.device), last]
        return found.masked_fill(~inside.any(dim=1), 0.0)
    if how == "max":
        highest = tokens.masked_fill(~inside, -torch.inf).amax(dim=1)
        return highest.masked_fill(~inside.any(dim=1), 0.0)
    count = inside.sum(dim=1).clamp(min=1)
    return tokens.masked_fill(~inside, 0.0).sum(dim=1) / count
