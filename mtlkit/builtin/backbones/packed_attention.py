"""Attention over packed rows, as a function that Hugging Face's models call by its name.

Vaswani et al. 2017, "Attention Is All You Need", equation 1: softmax(QKᵀ/√d)·V, with dropout on the weights.
Plain matrix products: for rows of tens of tokens they are faster on a CPU than the fused kernels.

Shapes: N tokens of all rows, P of them and fillers, M places of all groups, A attention heads, D dimensions
of each; b rows of a group, t places of each.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from mtlkit.builtin.backbones.byte_dropout import byte_dropout
from mtlkit.builtin.backbones.packing import Packing

NAME = "mtlkit-packed"


def packed_attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    _mask: Tensor | None,
    *,
    packing: Packing,
    **told: Any,  # noqa: ANN401  what each implementation of attention is told
) -> tuple[Tensor, None]:
    """Attention of each row to itself: `query`, `key`, `value` [1, A, P, D] give [1, P, A, D].

    Told are also `scaling`, the factor 1/√d, and `dropout`, the rate for the weights.
    """
    scale, dropout = told["scaling"], told["dropout"] if module.training else 0.0
    queries, keys, values = (_in_groups(states, packing) for states in (query * scale, key, value))
    found = [
        _attended(q, k, v, group.mask, dropout)
        for q, k, v, group in zip(queries, keys, values, packing.groups, strict=True)
    ]
    answer: Tensor = _Back.apply(torch.cat(found), packing.back)  # type: ignore[no-untyped-call]
    return packing.filled(answer)[None], None


def _in_groups(states: Tensor, packing: Packing) -> list[Tensor]:
    """States [1, A, P, D] as [b, A, t, D] of each group."""
    tokens = states[0].transpose(0, 1)[: len(packing.back)]
    there: Tensor = _There.apply(tokens, packing.there, packing.back)  # type: ignore[no-untyped-call]
    parts = torch.split(there, [group.rows * group.width for group in packing.groups])
    return [
        part.view(group.rows, group.width, *part.shape[1:]).transpose(1, 2)
        for part, group in zip(parts, packing.groups, strict=True)
    ]


def _attended(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, dropout: float) -> Tensor:
    """Attention [b·t, A, D] of a group; the gradient at its padding is zero."""
    scores = query @ key.transpose(-1, -2)
    if mask is not None:
        scores = scores.masked_fill(~mask, torch.finfo(scores.dtype).min)
    weights = byte_dropout(scores.softmax(-1), dropout)
    return (weights @ value).transpose(1, 2).flatten(0, 1)


class _There(torch.autograd.Function):
    """Tokens [N, …] at the places [M, …] of groups; padding repeats a token, and sends no gradient to it."""

    @staticmethod
    def forward(context: Any, tokens: Tensor, there: Tensor, back: Tensor) -> Tensor:  # noqa: ANN401  torch's own type
        context.save_for_backward(back)
        return tokens.index_select(0, there)

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor, None, None]:  # noqa: ANN401
        (back,) = context.saved_tensors
        return gradient.index_select(0, back), None, None


class _Back(torch.autograd.Function):
    """Places [M, …] of the groups as tokens [N, …]; the gradient of padding is zero."""

    @staticmethod
    def forward(context: Any, places: Tensor, back: Tensor) -> Tensor:  # noqa: ANN401
        context.save_for_backward(back)
        context.places = len(places)
        return places.index_select(0, back)

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor, None]:  # noqa: ANN401
        (back,) = context.saved_tensors
        whole = gradient.new_zeros(context.places, *gradient.shape[1:])
        return whole.index_copy_(0, back, gradient), None
