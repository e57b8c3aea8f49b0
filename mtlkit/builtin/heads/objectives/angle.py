"""AnglE: how near two vectors are as complex numbers. Shapes: B rows, D size of the vectors."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F  # noqa: N812  the name torch's own documentation uses


def angle_similarity(first: Tensor, second: Tensor) -> Tensor:
    """|cosine + sine| [B] of vectors [B, D] whose halves are real and imaginary parts.

    Li and Li 2024, arXiv:2309.12871, equations 5 to 7, as sentence-transformers has it: of vectors of
    length 1. A 0 is added to vectors of odd size.
    """
    if first.shape[-1] % 2:
        first, second = F.pad(first, (0, 1)), F.pad(second, (0, 1))
    first, second = F.normalize(first, dim=-1), F.normalize(second, dim=-1)
    real, imaginary = first.chunk(2, -1)
    other_real, other_imaginary = second.chunk(2, -1)
    sines = (imaginary * other_real - real * other_imaginary).sum(-1)
    return ((first * second).sum(-1) + sines).abs()
