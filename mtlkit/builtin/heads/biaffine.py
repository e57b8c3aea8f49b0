"""Biaffine scores of words as heads of words (Dozat & Manning 2017, section 2).

Shapes: B rows, W words of the longest row, A and R sizes of the vectors for arcs and relations, C relations.
Place 0 of a table of heads is the root.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  the name torch's own documentation uses

from mtlkit.builtin.heads.tower import ACTIVATIONS
from mtlkit.builtin.heads.tree_options import Dependency


class Roles(nn.Module):
    """What each word is as a dependent and as a head: four projections (equations 4 and 5).

    The root is a learned vector in place of a word's.
    """

    def __init__(self, options: Dependency, size: int) -> None:
        super().__init__()
        self.sizes = [options.arc_size, options.arc_size, options.relation_size, options.relation_size]
        self.root = nn.Parameter(0.1 * torch.randn(size))
        self.project = nn.Linear(size, sum(self.sizes))
        self.dropout = nn.Dropout(options.dropout)
        self.activate = ACTIVATIONS[options.activation]

    def forward(self, words: Tensor) -> Tensor:
        """Vectors [B, 1+W, 2A+2R] of the root and of words [B, W, D], all four side by side."""
        root = self.root.to(words.dtype).expand(len(words), 1, -1)
        vectors = self.project(self.dropout(torch.cat([root, words], 1)))
        yielded: Tensor = self.dropout(self.activate(vectors))
        return yielded

    def split(self, vectors: Tensor) -> tuple[Tensor, ...]:
        """Dependents [B, W, A] and heads [B, 1+W, A] of arcs, then the same of relations, in float32."""
        wide = torch.promote_types(vectors.dtype, torch.float32)
        arc_dependent, arc_head, dependent, head = torch.split(vectors.to(wide), self.sizes, -1)
        return arc_dependent[:, 1:], arc_head, dependent[:, 1:], head


class ArcScores(nn.Module):
    """headᵀ U dependent + headᵀ u (equation 6): how well each word suits another as its head."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.form = nn.Parameter(torch.randn(size + 1, size) / size)

    def forward(self, dependents: Tensor, heads: Tensor) -> Tensor:
        """Scores [B, W, 1+W] of dependents [B, W, A] and heads [B, 1+W, A]."""
        ones = F.pad(dependents, (0, 1), value=1.0)
        return ones @ self.form.to(ones.dtype) @ heads.transpose(1, 2)


class RelationScores(nn.Module):
    """headᵀ U dependent + W (head ⊕ dependent) + b for each relation (equation 3), with the rest in U."""

    def __init__(self, size: int, relations: int) -> None:
        super().__init__()
        self.form = nn.Parameter(torch.randn(relations, size + 1, size + 1) / size)

    def forward(self, dependents: Tensor, heads: Tensor) -> Tensor:
        """Scores […, C] of pairs of dependents and heads […, R]."""
        one, other = (F.pad(side, (0, 1), value=1.0) for side in (dependents, heads))
        return torch.einsum("...d,cde,...e->...c", one, self.form.to(one.dtype), other)
