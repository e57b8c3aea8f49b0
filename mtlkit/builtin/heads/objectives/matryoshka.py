"""Matryoshka: the first dimensions of vectors as vectors. Shapes: … any, D size of the vectors."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F  # noqa: N812  the name torch's own documentation uses


def cut(vectors: Tensor, size: int, normalize: bool) -> Tensor:
    """The first `size` dimensions of vectors […, D], of length 1 again where `normalize`.

    Kusupati et al. 2022, arXiv:2205.13147, section 3.
    """
    short = vectors[..., :size]
    return F.normalize(short, dim=-1) if normalize else short
