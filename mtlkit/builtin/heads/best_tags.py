"""The best sequence of tags that a scheme allows.

Shapes: B rows, W words of the longest row, C tags.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from attrs import frozen
from torch import Tensor

from mtlkit.builtin.heads.tag_schemes import Scheme, follows

NEVER = float("-inf")


@frozen(eq=False)
class Rules:
    """What a scheme allows: tags that begin a row [C], that end it [C], and that follow each other [C, C]."""

    first: Tensor
    last: Tensor
    follow: Tensor


def rules(names: Sequence[str], scheme: Scheme) -> Rules:
    """The rules of a scheme for these tags; `none` allows everything."""
    first = torch.tensor([follows(None, tag, scheme) for tag in names])
    last = torch.tensor([follows(tag, None, scheme) for tag in names])
    pairs = torch.tensor([[follows(before, tag, scheme) for tag in names] for before in names])
    return Rules(first, last, pairs)


@torch.no_grad()
def best_tags(scores: Tensor, lengths: Tensor, allowed: Rules) -> Tensor:
    """The tag numbers [B, W] of the sequence with the highest sum of scores [B, W, C] (Viterbi 1967).

    `lengths` [B] are the words of each row; beyond them the numbers mean nothing. Scores must be finite.
    """
    start, end, step = (
        torch.zeros_like(each, dtype=scores.dtype).masked_fill(~each, NEVER)
        for each in (allowed.first, allowed.last, allowed.follow)
    )
    itself = torch.arange(scores.shape[-1], device=scores.device)
    reached, origins = start + scores[:, 0], []
    for word in range(1, scores.shape[1]):
        top, origin = (reached.unsqueeze(-1) + step).max(1)
        lives = (word < lengths).unsqueeze(-1)
        origins.append(torch.where(lives, origin, itself))
        reached = torch.where(lives, top + scores[:, word], reached)
    path = [(reached + end).argmax(-1, keepdim=True)]
    for origin in reversed(origins):
        path.append(origin.gather(1, path[-1]))
    return torch.cat(path[::-1], 1)
