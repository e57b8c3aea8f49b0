"""Attention over packed rows, as a function that Hugging Face's models call by its name.

Vaswani et al. 2017, "Attention Is All You Need", equation 1: softmax(QKᵀ/√d)·V, with dropout on the weights.
Plain matrix products: for rows of tens of tokens they are faster on a CPU than the fused kernels. The
gradient is written out: what torch derives copies states to and fro.

Shapes: N tokens of all rows, P of them and fillers, M places of all groups, A attention heads, D dimensions
of each; b rows of a group, t places of each.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from mtlkit.builtin.backbones.byte_dropout import dropout_factors
from mtlkit.builtin.backbones.packing import HeadPlaces, Packing

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
    rate = told["dropout"] if module.training else 0.0
    states = (each.squeeze(0).transpose(0, 1) for each in (query, key, value))
    answer: Tensor = _Attention.apply(*states, packing, told["scaling"], rate)  # type: ignore[no-untyped-call]
    return answer[None], None


class _Attention(torch.autograd.Function):
    """`query`, `key` and `value` [P, A, D] to [P, A, D], zero for fillers."""

    @staticmethod
    def forward(
        context: Any,  # noqa: ANN401  torch's own type
        query: Tensor,
        key: Tensor,
        value: Tensor,
        packing: Packing,
        scale: float,
        rate: float,
    ) -> Tensor:
        heads = packing.of_heads(query.shape[1])
        placed = tuple(_placed(states, heads.there) for states in (query, key, value))
        weights, factors = [], []
        found = torch.empty_like(placed[0])
        with torch.autocast(query.device.type, enabled=False):
            for bias, q, k, v, out in _grouped(packing, heads, *placed, found):
                weights.append(_weights(q, k, bias, scale))
                kept = weights[-1]
                if rate:
                    factors.append(dropout_factors(kept, rate))
                    kept = kept * factors[-1]
                torch.bmm(kept.to(v.dtype), v, out=out)
        context.save_for_backward(*placed, *weights, *factors)
        context.packing, context.scale, context.shape = packing, scale, query.shape
        return _taken(found, heads.back, query.shape)

    @staticmethod
    @once_differentiable
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:  # noqa: ANN401  see forward
        packing, scale, shape = context.packing, context.scale, context.shape
        saved = context.saved_tensors  # to be asked for once where blocks are computed again
        placed, drawn = saved[:3], saved[3:]
        count = len(packing.groups)
        weights, factors = drawn[:count], drawn[count:] or (None,) * count
        heads = packing.of_heads(shape[1])
        above, told = torch.zeros_like(placed[0]), gradient.reshape(-1, shape[2])[: len(heads.back)]
        above.index_copy_(0, heads.back, told)
        found = tuple(map(torch.empty_like, placed))
        with torch.autocast(gradient.device.type, enabled=False):
            parts = _grouped(packing, heads, *placed, above, *found)
            for part, weight, factor in zip(parts, weights, factors, strict=True):
                _, q, k, v, up, to_q, to_k, to_v = part
                kept = weight if factor is None else weight * factor
                torch.bmm(kept.to(v.dtype).transpose(1, 2), up, out=to_v)
                pull = torch.bmm(up, v.transpose(1, 2)).to(weight.dtype)
                pull = pull if factor is None else pull.mul_(factor)
                pull = _through_softmax(pull, weight).to(q.dtype)
                torch.baddbmm(q, pull, k, beta=0, alpha=scale, out=to_q)
                torch.baddbmm(q, pull.transpose(1, 2), q, beta=0, alpha=scale, out=to_k)
        return (*(_taken(states, heads.back, shape) for states in found), None, None, None)


def _weights(query: Tensor, key: Tensor, bias: Tensor | None, scale: float) -> Tensor:
    """What each place of a group attends to [b·A, t, t], in 32-bit floats at least; nothing to padding."""
    added, beta = (query.new_zeros(1), 0) if bias is None else (bias.to(query.dtype), 1)
    scores = torch.baddbmm(added, query, key.transpose(1, 2), beta=beta, alpha=scale)
    return scores.softmax(-1, dtype=torch.promote_types(scores.dtype, torch.float32))


def _through_softmax(gradient: Tensor, weights: Tensor) -> Tensor:
    """The gradient before a softmax, from that behind it."""
    return torch.ops.aten._softmax_backward_data(gradient, weights, -1, weights.dtype)  # type: ignore[no-any-return]


def _placed(states: Tensor, there: Tensor) -> Tensor:
    """States [P, A, D] at the places of the groups, head by head: [M·A, D]."""
    return states.reshape(-1, states.shape[-1]).index_select(0, there)


def _taken(places: Tensor, back: Tensor, shape: torch.Size) -> Tensor:
    """Values [M·A, D] of the groups as states [P, A, D], zero for fillers."""
    whole = places.new_empty(shape)
    flat = whole.view(-1, shape[-1])
    torch.index_select(places, 0, back, out=flat[: len(back)])
    flat[len(back) :].zero_()
    return whole


def _grouped(packing: Packing, heads: HeadPlaces, *values: Tensor) -> Iterator[tuple[Any, ...]]:
    """Of each group the bias, and its parts [b·A, t, D] of these values [M·A, D]."""
    start, count = 0, len(heads.there) // len(packing.there)
    for group, bias in zip(packing.groups, heads.biases, strict=True):
        end = start + group.rows * group.width * count
        yield (bias, *(each[start:end].view(group.rows * count, group.width, -1) for each in values))
        start = end
