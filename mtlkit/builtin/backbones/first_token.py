"""The last block of a model of the BERT family, for heads that read the first token of each row and no other.

Keys and values are those of all tokens; queries, and all that comes after attention, are computed for the
first tokens alone. They are what the whole block would give them, up to rounding.

Shapes: P tokens of all rows and fillers, R rows that have a token, A attention heads, D dimensions of each.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor

from mtlkit.builtin.backbones.packed_attention import attend
from mtlkit.builtin.backbones.packing import Packing
from mtlkit.builtin.backbones.splitting import exchanged


@contextmanager
def first_tokens_of(block: Any, packing: Packing) -> Iterator[None]:  # noqa: ANN401  a block of a transformers model
    """Inside, the block takes states [1, P, H] and yields those of the first tokens, [1, R, H]."""
    compute = _distilbert if hasattr(block, "sa_layer_norm") else _bert

    def forward(hidden_states: Tensor, *_: object, **__: object) -> Tensor:
        return compute(block, hidden_states, packing)

    with exchanged(block, forward):
        yield


def _bert(block: Any, states: Tensor, packing: Packing) -> Tensor:  # noqa: ANN401  see first_tokens_of
    own, asking = block.attention.self, states[:, packing.firsts]
    query, key, value = own.query(asking), own.key(states), own.value(states)
    seen = _attended(own, own.num_attention_heads, query, key, value, packing)
    answer: Tensor = block.feed_forward_chunk(block.attention.output(seen, asking))
    return answer


def _distilbert(block: Any, states: Tensor, packing: Packing) -> Tensor:  # noqa: ANN401  see first_tokens_of
    own, asking = block.attention, states[:, packing.firsts]
    query, key, value = own.q_lin(asking), own.k_lin(states), own.v_lin(states)
    seen = own.out_lin(_attended(own, own.n_heads, query, key, value, packing))
    seen = block.sa_layer_norm(seen + asking)
    answer: Tensor = block.output_layer_norm(block.ffn(seen) + seen)
    return answer


def _attended(
    own: Any,  # noqa: ANN401  the attention of a transformers model
    heads: int,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    packing: Packing,
) -> Tensor:
    """What `query` [1, R, A·D] finds in `key` and `value` [1, P, A·D], as [1, R, A·D]."""
    q, k, v = (states.view(states.shape[1], heads, -1) for states in (query, key, value))
    rate = own.dropout.p if own.training else 0.0
    return attend(q, k, v, packing.attending(heads, first=True), own.scaling, rate).flatten(1)[None]
