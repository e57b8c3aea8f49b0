"""Specs of models: plain values with a switch for everything that makes freezing hard."""

from typing import Any

from hypothesis import strategies as st

Spec = dict[str, Any]

PLAIN = ("linear", "norm", "batchnorm", "dropout")
TIED = (
    "same",  # the weight of an earlier linear layer, one object
    "twin",  # another parameter over the memory of an earlier one, made of its `.data`
    "transposed",  # likewise, seen the other way round
    "slice",  # likewise, its first rows
    "shared",  # an earlier module once more
    "two-names",  # one module registered under two names
    "twice",  # a module used twice in forward
)
NORMED = (
    "batchnorm-plain",  # affine=False: statistics but no weights
    "batchnorm-cumulative",  # momentum=None
    "groupnorm",
    "instancenorm",  # with running statistics
)
RANDOM = ("functional-dropout", "stochastic-depth")
PARAMETRIZED = ("weight-norm", "spectral-norm", "parametrized")
TABLES = ("table", "table-padding", "table-max-norm")
BUFFERED = (
    "moving-average",  # with a counter of its forward passes
    "queue",  # of what went through it, and where it is
    "constants",  # non-persistent, integer and boolean ones
    "alias",  # a buffer over the memory of a parameter
)
SHAPED = ("scalar", "empty", "one", "gaps", "float64")
PLACED = (
    "direct",  # parameters on a module that has children
    "collections",  # ParameterList and ParameterDict
    "unused",  # never part of the forward pass
    "named",  # with a name that is hard to tell from others
)
KINDS = (*PLAIN, *TIED, *NORMED, *RANDOM, *PARAMETRIZED, *TABLES, *BUFFERED, *SHAPED, *PLACED)

# Not every optimizer takes complex or sparse gradients, and torch has no norm of sparse ones.
SPECIAL = ("complex", "table-sparse")

LONG = "long" * 50
NAMES = (
    "layer",
    "layer_1",
    "layer_10",
    "head",
    "head2",
    "module",
    "_orig_mod",
    "Weight",
    "weights",
    "a+b",
    "[0-9]*",
    "x?",
    "größe",
    LONG,
)
BLOCK_NAMES = ("1", "10", "11", "01", "2", "100", "a", "A", "(1)", "module", LONG)
TASKS = ("news", "new", "heads", "layer", "news_1", "news_10", "News", "_orig_mod", "ну", "n*", LONG)


def model_specs(
    max_blocks: int = 3, max_tasks: int = 2, kinds: tuple[str, ...] = KINDS
) -> st.SearchStrategy[Spec]:
    """Specs of models: `seed`, pieces of `embeddings`, of each of the `blocks`, of `final`, of `heads`.

    A piece is `{"kind": one of kinds, "of": number, "frozen": by its author}`; `of` picks the earlier piece
    or the name that the kind refers to. Kinds beyond `KINDS` are those of `SPECIAL`.
    """
    piece = st.fixed_dictionaries(
        {
            "kind": st.sampled_from(kinds),
            "of": st.integers(0, 13),
            "frozen": st.sampled_from((False, False, False, True)),
        }
    )
    pieces = st.lists(piece, min_size=1, max_size=3)
    return st.fixed_dictionaries(
        {
            "seed": st.integers(0, 2**31),
            "embeddings": st.lists(piece, max_size=2),
            "blocks": st.dictionaries(st.sampled_from(BLOCK_NAMES), pieces, min_size=1, max_size=max_blocks),
            "final": st.lists(piece, max_size=2),
            "heads": st.dictionaries(st.sampled_from(TASKS), pieces, min_size=1, max_size=max_tasks),
        }
    )
