"""Backbone: from rows of text (or anything else) to features that every head reads.

Shapes: B rows of a batch, T tokens of the longest row, H hidden size, L blocks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

from attrs import frozen

from mtlkit.contracts.data import Value
from mtlkit.contracts.params import Role

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor
    from torch.nn import Parameter

Pooling = Literal["mean", "cls", "max", "last"]


@frozen(eq=False)
class Features:
    """What a backbone yields for one view of B rows.

    `tokens` [B, T, H]; `mask` [B, T] is True at real tokens; `words` [B, T] is the number of the
    word a token belongs to, -1 for special tokens and padding; `pooled` [B, H] is filled in by the
    engine for heads that need only that. At masked places `tokens` may hold anything, NaN included, so
    they are replaced (`masked_fill`) rather than multiplied away.

    The engine fills in the rest. From the batch, None where its backbone does not say: `ids` [B, T], the
    number of each token in the vocabulary; `texts` [B, T], which text of the view a token is of (0, 1), -1
    for special tokens and padding; `spans` [B, T, 2], where a token begins and ends (exclusive) in that text,
    in characters; of a view that is a list of words, in its word. And `layers`, by depth the states [B, T, H]
    after the layers that a head asks for.
    """

    tokens: Tensor
    mask: Tensor
    words: Tensor
    pooled: Tensor | None = None
    ids: Tensor | None = None
    texts: Tensor | None = None
    spans: Tensor | None = None
    layers: Mapping[int, Tensor] = {}


@frozen(eq=False)
class Vocabulary:
    """The tokens of a backbone that reads text: V ids, of which `special` stand for no text.

    `mask` stands for a token that is to be guessed, None where there is no such id. `table` [V, H'] holds the
    embeddings of the ids, a parameter of the backbone: a head may use it, and is tied to it then. `names`
    spells ids, as `tokens` of the backbone does.
    """

    size: int
    padding: int
    special: frozenset[int]
    mask: int | None
    table: Parameter
    names: Callable[[Sequence[int]], list[str]] | None = None


class Backbone(Protocol):
    """A `torch.nn.Module` with the members below.

    The builder is called as `build(options, pretrained=True)`; with `pretrained=False`, used on
    torch's meta device to make the plan, it must not read weights.

    Optional methods: `vocabulary() -> Vocabulary` and `tokens(ids) -> list[str]`, the texts of tokens, of a
    backbone that reads text; `locate(rows)`, as `prepare`, of items whose batches say `texts` and `spans`;
    `keep(depths)`, see `Layered`; `first_alone()`, see `FirstAlone`; those of `Deferrable`. A batch may have
    the attributes `ids`, `texts` and `spans` of `Features`.

    An optional attribute `ragged` is True where a batch costs what its tokens cost, padding left out: then
    rows of any length are given to it together, else those of like length. An optional method `note() -> str`
    says in a line what a plan should tell of how it computes.

    Values stored for later runs are found by the backbone's weights, options and rows; where features depend
    on more, such as a configuration file, `fingerprint() -> str` is a text that changes with it.

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


@runtime_checkable
class Layered(Protocol):
    """A backbone that can show the states between its blocks."""

    def keep(self, depths: Sequence[int]) -> AbstractContextManager[Mapping[int, Tensor]]:
        """Inside the block, a `forward` or `tail` puts the states [B, T, H] after these depths into it.

        0 are the embeddings, i the output of block i. Depths below those that run are left out.
        """
        ...


@runtime_checkable
class FirstAlone(Protocol):
    """A backbone that gives the first token of each row for less than all of them."""

    def first_alone(self) -> AbstractContextManager[None]:
        """Inside the block, `forward` and `tail` may give features of the first token of each row alone.

        They are `tokens` [B, 1, H], and `mask` and `words` [B, 1]: those of the first token as it is without
        the block, to rounding. What `stem` gives does not change.
        """
        ...


@runtime_checkable
class Deferrable(Protocol):
    """A backbone that can be laid out from a description of itself, and loaded when it has to compute.

    A run that never trains it, and finds in the store what it would yield, then never loads it. Its options
    object has a method `described(told, pretrained) -> Backbone | None`: the backbone that `description` told
    of, with its weights on the meta device and its buffers in memory; None where its files are others now, of
    which the weights count where it is `pretrained`.
    """

    deferred: bool

    def description(self) -> Mapping[str, Any] | None:
        """What `described` takes, as JSON has it; None where it can't be laid out."""
        ...

    def content(self, name: str) -> Iterable[bytes]:
        """The bytes of the weight with that name while the backbone is `deferred`.

        An `OSError` says that they can't be read, or are not those any more that it was laid out for.
        """
        ...

    def materialize(self) -> None:
        """Load it: weights, modules and modes go by the same names, and parameters stay the same objects.

        `forward`, `stem` and `tail` do so themselves.
        """
        ...


class Compilable(Protocol):
    """A backbone that can be compiled, for training."""

    def uncompiled(self) -> str:
        """Why it can't be compiled here; empty where it can."""
        ...

    def compile_blocks(self) -> None:
        """Compile it. What it gives may change by rounding, and by nothing else."""
        ...


class FlatRows(Protocol):
    """Prepared rows as plain numbers, which are kept on disk for later runs.

    `identity` is a text that is equal only where equal rows are prepared equally: the tokenizer, and every
    option that it is used with.
    """

    identity: str

    def flattened(self, items: Sequence[Any]) -> tuple[tuple[str, ...], np.ndarray] | None:
        """Names of what each of the rows has, and the numbers (int32) of all, row by row.

        Each row has as many numbers a token. None where that is not so: such rows are not kept.
        """
        ...

    def restored(self, fields: Sequence[str], numbers: np.ndarray) -> Any:  # noqa: ANN401  as of `prepare`
        """The row that has these numbers."""
        ...


@runtime_checkable
class Flat(Protocol):
    """A backbone whose prepared rows are plain numbers."""

    def flat(self) -> FlatRows:
        """How they become numbers and rows again."""
        ...
