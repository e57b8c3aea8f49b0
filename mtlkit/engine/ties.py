"""Gradients of tied weights: the optimizer sees one parameter per storage region."""

from collections.abc import Iterable

from mtlkit.engine.params import Weight


def ready_gradients(weights: Iterable[Weight]) -> None:
    """Leave one gradient per weight for the optimizer to see, and none where there is nothing to move."""
    for weight in weights:
        if len(weight.parameters) > 1:
            fold_gradients(weight)
        first = weight.parameters[0]
        if first.grad is not None and not first.numel():
            first.grad = None  # torch's Adafactor divides by the number of elements


def fold_gradients(weight: Weight) -> None:
    """Add the gradients of a region's further parameters to the first one's, at the same memory.

    Two parameters over one storage (`Parameter(other.data)`, a transposed view) each collect a
    gradient of their own; the weight's gradient is their sum.
    """
    first, *others = weight.parameters
    if all(other.grad is None for other in others):
        return
    # Of the region's own layout, because zeros_like does not keep the strides of a view with gaps.
    reach = sum((n - 1) * stride for n, stride in zip(first.shape, first.stride(), strict=True))
    region = first.new_zeros(reach + 1)
    for parameter in weight.parameters:
        if parameter.grad is not None:
            offset = parameter.storage_offset() - first.storage_offset()
            region.as_strided(parameter.shape, parameter.stride(), offset).add_(parameter.grad)
            parameter.grad = None
    first.grad = region.as_strided(first.shape, first.stride())
