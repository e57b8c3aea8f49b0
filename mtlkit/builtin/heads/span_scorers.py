"""Scores of all spans of a row up to a width, from the vectors of their first and last words.

Shapes: B rows, W words of the longest row, M words of a span at most, D size of a word, C scores of a span.
A span stands at the place of its first word and at its number of words less one.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  the name torch's own documentation uses

from mtlkit.builtin.heads.span_options import BiaffineNer
from mtlkit.builtin.heads.tower import ACTIVATIONS

PERIOD = 10_000.0


class BiaffineScorer(nn.Module):
    """beginᵀ U end + W (begin ⊕ end) + b (Yu et al. 2020, section 3, equation 1), with the rest in U.

    Begins and ends are projections of the word vectors, each with a 1 appended.
    """

    def __init__(self, options: BiaffineNer, size: int, outputs: int) -> None:
        super().__init__()
        self.begin, self.end = nn.Linear(size, options.size), nn.Linear(size, options.size)
        self.form = nn.Parameter(torch.empty(outputs, options.size + 1, options.size + 1))
        nn.init.normal_(self.form, std=1.0 / options.size)
        self.dropout = nn.Dropout(options.dropout)
        self.activate = ACTIVATIONS[options.activation]

    def forward(self, words: Tensor, width: int) -> Tensor:
        """Scores [B, W, M, C] of word vectors [B, W, D]; `width` is M."""
        begins, ends = (
            F.pad(self.dropout(self.activate(side(self.dropout(words)))), (0, 1), value=1.0)
            for side in (self.begin, self.end)
        )
        weighed = torch.einsum("bid,cde->bice", begins, self.form.to(begins.dtype))
        return torch.einsum("bice,bime->bimc", weighed, windows(ends, width))


class GlobalPointer(nn.Module):
    """qᵀ k of each class, turned by the distance of first and last word (Su et al. 2022, equations 1 and 2).

    The turning is the rotary position embedding of Su et al. 2021 (RoFormer, equation 34); scores are divided
    by the square root of the size, as attention's are.
    """

    def __init__(self, options: BiaffineNer, size: int, outputs: int) -> None:
        super().__init__()
        self.pairs, self.outputs = options.size // 2, outputs
        self.project = nn.Linear(size, outputs * 2 * 2 * self.pairs)
        self.dropout = nn.Dropout(options.dropout)

    def forward(self, words: Tensor, width: int) -> Tensor:
        """Scores [B, W, M, C] of word vectors [B, W, D]; `width` is M."""
        rows, length, _ = words.shape
        projected = self.project(self.dropout(words))
        query, key = projected.view(rows, length, 2, self.outputs, 2 * self.pairs).unbind(2)
        query, key = rotated(query), rotated(key)
        flat = windows(key.flatten(2), width).view(rows, length, width, self.outputs, 2 * self.pairs)
        scores: Tensor = torch.einsum("bicd,bimcd->bimc", query, flat) / (2 * self.pairs) ** 0.5
        return scores


def rotated(vectors: Tensor) -> Tensor:
    """Vectors [B, W, C, 2·h] of which each pair (j, h+j) is turned by the place of the word times a rate."""
    half = vectors.shape[-1] // 2
    rates = PERIOD ** (-torch.arange(half, device=vectors.device, dtype=torch.float32) / half)
    angles = torch.arange(vectors.shape[1], device=vectors.device, dtype=torch.float32)[:, None] * rates
    cosine, sine = (each.to(vectors.dtype)[:, None] for each in (angles.cos(), angles.sin()))
    first, second = vectors[..., :half], vectors[..., half:]
    return torch.cat([first * cosine - second * sine, second * cosine + first * sine], -1)


def windows(vectors: Tensor, width: int) -> Tensor:
    """For each place [B, W, M, E] the vectors [B, W, E] there and at the next M-1 places, 0 at the end."""
    padded = F.pad(vectors, (0, 0, 0, width))  # one more than needed, so that there may be no place at all
    return padded.unfold(1, width, 1)[:, :-1].transpose(2, 3)
