"""From vectors of tokens to vectors of words.

Shapes: B rows, T tokens, W words of the longest row, H hidden size.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

import mtlkit


def word_vectors(view: mtlkit.Features, subword: Literal["first", "last", "mean"]) -> tuple[Tensor, Tensor]:
    """Vectors [B, W, H] of the words, and which of them [B, W] have a token.

    A word's vector is that of its first or last token, or the mean of all; 0 where it has none.
    """
    members = torch.where(view.mask, view.words, -1)
    width = int(members.max()) + 1 if members.numel() else 0
    own = members.unsqueeze(1) == torch.arange(width, device=members.device).unsqueeze(-1)
    if subword == "first":
        own &= own.cumsum(-1) == 1
    elif subword == "last":
        own &= own.flip(-1).cumsum(-1).flip(-1) == 1
    # A masked token may hold anything, and 0 × NaN is NaN: it is replaced, not multiplied away.
    tokens = view.tokens.masked_fill(~view.mask.unsqueeze(-1), 0.0)
    sizes = own.sum(-1, keepdim=True)
    return own.to(tokens.dtype) @ tokens / sizes.clamp(min=1), sizes.squeeze(-1) > 0
