"""Gradients of tied weights: the optimizer sees one parameter per storage region."""

import torch
from torch import Tensor

from mtlkit.engine.params import Weight


def fold_gradients(weight: Weight) -> None:
    """Add the gradients of a region's further parameters to the first one's, at the same memory.

    Two parameters over one storage (`Parameter(other.data)`, a transposed view) each collect a
    gradient of their own; the weight's gradient is their sum.
    """
    first, *others = weight.parameters
    for other in others:
        if other.grad is None:
            continue
        if first.grad is None:
            first.grad = torch.zeros_like(first)
        _at(first.grad, first, other).add_(other.grad)
        other.grad = None


def _at(gradient: Tensor, first: Tensor, other: Tensor) -> Tensor:
    """The view of `gradient` (laid out like `first`) at the memory of `other`."""
    offset = other.storage_offset() - first.storage_offset()
    return gradient.as_strided(other.shape, other.stride(), gradient.storage_offset() + offset)
