"""Backbone: from rows of text (or anything else) to features that every head reads.

Shapes: B rows of a batch, T tokens of the longest row, H hidden size, L blocks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

from attrs import frozen

from mtlkit.contracts.data import Value
from mtlkit.contracts.params import Role

if TYPE_CHECKING:
    from torch import Tensor

Pooling = Literal["mean", "cls", "max"]


@frozen(eq=False)
class Features:
    """What a backbone yields for one view of B rows.

    `tokens` [B, T, H]; `mask` [B, T] is True at real tokens; `words` [B, T] is the number of the
    word a token belongs to, -1 for special tokens and padding; `pooled` [B, H] is filled in by the
    engine for heads that need only that. At masked places `tokens` may hold anything, NaN included, so
    they are replaced (`masked_fill`) rather than multiplied away.
    """

    tokens: Tensor
    mask: Tensor
    words: Tensor
    pooled: Tensor | None = None


class Backbone(Protocol):
    """A `torch.nn.Module` with the members below.

    The builder is called as `build(options, pretrained=True)`; with `pretrained=False`, used on
    torch's meta device to make the plan, it must not read weights.

    An optional method `unused() -> Collection[str]` names weights that features do not depend on, and
    `adapters() -> Collection[str]` those that adapters brought, which the selector `adapter` means. For the
    conformance kit the options class may have a static method `sample(folder) -> dict`, which writes what
    the backbone needs (a small model) below `folder` and returns the options table that loads it, and the
    options object a method `examples(count, rng, folder) -> list[tuple[Value, ...]]` where rows are not
    texts.
    """

    hidden_size: int
    depth: int

    def place(self, name: str) -> tuple[Role, int]:
        """Role and depth of the weight with that name (as in `named_parameters`)."""
        ...

    def prepare(self, rows: Sequence[tuple[Value, ...]]) -> list[Any]:
        """Encode rows of one view, each on its own: one text, a pair of texts, or one list of words.

        The items are opaque to the engine but for `len(item)`, the cost of the row in tokens.
        """
        ...

    def collate(self, items: Sequence[Any]) -> Any:  # noqa: ANN401  the backbone's own batch type
        """A batch of prepared rows, padded on the right to the longest.

        It has a method `to(device)` and the attributes `mask` and `words` of `Features`.
        """
        ...

    def forward(self, batch: Any) -> Features:  # noqa: ANN401  the backbone's own batch type
        """Features of the batch. Row i does not depend on the other rows in eval mode."""
        ...


@runtime_checkable
class Splittable(Protocol):
    """A backbone that can run its lower and its upper part apart, bit-exactly."""

    def stem(self, batch: Any, depth: int) -> Tensor:  # noqa: ANN401  the backbone's own batch type
        """Hidden states [B, T, H] below block `depth`+1: what the weights of depth ≤ `depth` yield."""
        ...

    def tail(self, hidden: Tensor, batch: Any, depth: int) -> Features:  # noqa: ANN401  see stem
        """Features from the hidden states that `stem` gave for the same batch and depth."""
        ...
