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
from mtlkit.builtin.backbones.packing import Attending, HeadPlaces, Packing

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
    q, k, v = (each.squeeze(0).transpose(0, 1) for each in (query, key, value))
    return attend(q, k, v, packing.attending(query.shape[1]), told["scaling"], rate)[None], None


def attend(query: Tensor, key: Tensor, value: Tensor, among: Attending, scale: float, rate: float) -> Tensor:
    """Attention of `query` [Q, A, D] to `key` and `value` [P, A, D], as [Q, A, D], zero for fillers.

    `scale` is the factor 1/√d, `rate` that of dropout on the weights.
    """
    answer: Tensor = _Attention.apply(query, key, value, among, scale, rate)  # type: ignore[no-untyped-call]
    return answer


class _Attention(torch.autograd.Function):
    """See `attend`."""

    @staticmethod
    def forward(
        context: Any,  # noqa: ANN401  torch's own type
        query: Tensor,
        key: Tensor,
        value: Tensor,
        among: Attending,
        scale: float,
        rate: float,
    ) -> Tensor:
        placed = _placed(query, among.asking), _placed(key, among.told), _placed(value, among.told)
        weights, factors = [], []
        found = torch.empty_like(placed[0])
        with torch.autocast(query.device.type, enabled=False):
            for bias, q, k, v, out in _grouped(among, *placed, found):
                weights.append(_weights(q, k, bias, scale))
                kept = weights[-1]
                if rate:
                    factors.append(dropout_factors(kept, rate))
                    kept = kept * factors[-1]
                torch.bmm(kept.to(v.dtype), v, out=out)
        context.save_for_backward(*placed, *weights, *factors)
        context.among, context.scale, context.shapes = among, scale, (query.shape, key.shape)
        return _taken(found, among.asking, query.shape)

    @staticmethod
    @once_differentiable
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:  # noqa: ANN401  see forward
        among, scale = context.among, context.scale
        asking, told = context.shapes
        saved = context.saved_tensors  # to be asked for once where blocks are computed again
        placed, drawn = saved[:3], saved[3:]
        count = len(among.biases)
        weights, factors = drawn[:count], drawn[count:] or (None,) * count
        above, back = torch.zeros_like(placed[0]), among.asking.back
        above.index_copy_(0, back, gradient.reshape(-1, asking[2])[: len(back)])
        found = tuple(map(torch.empty_like, placed))
        with torch.autocast(gradient.device.type, enabled=False):
            parts = _grouped(among, *placed, above, *found)
            for part, weight, factor in zip(parts, weights, factors, strict=True):
                _, q, k, v, up, to_q, to_k, to_v = part
                kept = weight if factor is None else weight * factor
                torch.bmm(kept.to(v.dtype).transpose(1, 2), up, out=to_v)
                pull = torch.bmm(up, v.transpose(1, 2)).to(weight.dtype)
                pull = pull if factor is None else pull.mul_(factor)
                pull = _through_softmax(pull, weight).to(q.dtype)
                torch.baddbmm(q, pull, k, beta=0, alpha=scale, out=to_q)
                torch.baddbmm(k, pull.transpose(1, 2), q, beta=0, alpha=scale, out=to_k)
        shapes = ((among.asking, asking), (among.told, told), (among.told, told))
        taken = [_taken(states, *shape) for states, shape in zip(found, shapes, strict=True)]
        return (*taken, None, None, None)


def _weights(query: Tensor, key: Tensor, bias: Tensor | None, scale: float) -> Tensor:
    """What each place of a group attends to [b·A, t, t], in 32-bit floats at least; nothing to padding."""
    added, beta = (query.new_zeros(1), 0) if bias is None else (bias.to(query.dtype), 1)
    scores = torch.baddbmm(added, query, key.transpose(1, 2), beta=beta, alpha=scale)
    return scores.softmax(-1, dtype=torch.promote_types(scores.dtype, torch.float32))


def _through_softmax(gradient: Tensor, weights: Tensor) -> Tensor:
    """The gradient before a softmax, from that behind it."""
    return torch.ops.aten._softmax_backward_data(gradient, weights, -1, weights.dtype)  # type: ignore[no-any-return]


def _placed(states: Tensor, places: HeadPlaces) -> Tensor:
    """States [P, A, D] at the places of the groups, head by head: [M·A, D]."""
    return states.reshape(-1, states.shape[-1]).index_select(0, places.there)


def _taken(placed: Tensor, places: HeadPlaces, shape: torch.Size) -> Tensor:
    """Values [M·A, D] of the groups as states [P, A, D], zero for fillers."""
    whole = placed.new_empty(shape)
    flat = whole.view(-1, shape[-1])
    count = len(places.back)
    torch.index_select(placed, 0, places.back, out=flat[:count])
    flat[count:].zero_()
    return whole


def _grouped(
    among: Attending, query: Tensor, key: Tensor, value: Tensor, answer: Tensor, *gradients: Tensor
) -> Iterator[tuple[Any, ...]]:
    """Of each group the bias, and its parts [b·A, t, D] of these; `gradients` are of query, key and value."""
    asking, told = among.asking.parts, among.told.parts
    parts = [asking(query), told(key), told(value), asking(answer)]
    if gradients:
        parts += [asking(gradients[0]), told(gradients[1]), told(gradients[2])]
    return zip(among.biases, *parts, strict=True)
