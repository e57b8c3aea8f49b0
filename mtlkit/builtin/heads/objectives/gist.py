"""GISTEmbed: ranking without the negatives that a guide finds too near.

Shapes: B rows, V texts of a row, D size of the vectors, G of the guide's.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812  the name torch's own documentation uses

from mtlkit.builtin.heads.objectives.options import GistObjective
from mtlkit.builtin.heads.objectives.targets import MISSING


def gist_loss(vectors: Tensor, guides: Tensor, keys: Tensor, options: GistObjective) -> Tensor:
    """Σ over i of -log softmax of scale · cosines at the answer of row i.

    Solatorio 2024, arXiv:2402.16829, equations 3 and 4. Each row of `vectors` [B, V, D] has a first text, its
    answer, and texts that are no answers; `guides` [B, V, G] are the guide's vectors of the same texts and
    `keys` [B, V] says which texts are the same, `MISSING` where there is none. A text is a negative of row i
    only where the guide finds it less similar than the answer of i is to the first text of i, by the margin.
    """
    vectors, guides = F.normalize(vectors, dim=-1), F.normalize(guides, dim=-1)
    own = (guides[:, 0] * guides[:, 1]).sum(-1, keepdim=True)
    limit = own - (own.abs() if options.relative else 1.0) * options.margin
    scores = []
    for one, other in _blocks(vectors.shape[1], options):
        barred = guides[:, one] @ guides[:, other].T > limit
        barred |= (keys[:, one, None] == keys[None, :, other]) | (keys[None, :, other] == MISSING)
        if other >= 1:
            barred |= keys[:, 1, None] == keys[None, :, other]
        if (one, other) == (0, 1):
            barred.fill_diagonal_(False)
        scores.append((vectors[:, one] @ vectors[:, other].T).masked_fill(barred, float("-inf")))
    at = torch.arange(len(vectors), device=vectors.device)
    return F.cross_entropy(options.scale * torch.cat(scores, 1), at, reduction="sum")


def _blocks(texts: int, options: GistObjective) -> list[tuple[int, int]]:
    """Which text of row i is compared with which text of all rows; first texts with answers come first."""
    found = [(0, 1)]
    if options.firsts:
        found.append((0, 0))
    if options.seconds:
        found.append((1, 1))
    return found + [(0, number) for number in range(2, texts)]
