"""Padded batches as plain values, and the features that a backbone might make of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

if TYPE_CHECKING:
    import torch

    from mtlkit.contracts.backbone import Features, Pooling

Batch = dict[str, Any]
TOKENS = ("special", "new", "new", "same")


@st.composite
def batches(
    draw: st.DrawFn, max_rows: int = 5, max_tokens: int = 8, paddings: tuple[str, ...] = ("right",)
) -> Batch:
    """Specs of batches of 1 to `max_rows` rows of 1 to `max_tokens` tokens, often of one row or one token.

    `words`: for each row the word number of each of its tokens, -1 for special ones; a row may have none
    but special tokens, as a text that was cut may. `extra`: columns of padding beyond the longest row.
    `padding`: where it is, of `paddings`; backbones pad on the "right", "left" and "inside" are for parts
    that promise more. `labelled`: for each row whether it has a label, often for none. `seed`: of the
    features, of the numbers in padded places (`noise`) and of whatever labels are made.
    """
    rows = draw(st.one_of(st.just(1), st.integers(1, max_rows)))
    longest = draw(st.one_of(st.just(1), st.integers(1, max_tokens)))
    tokens = st.lists(st.sampled_from(TOKENS), min_size=1, max_size=longest)
    words = [_numbers(draw(tokens)) for _ in range(rows)]
    labels = st.lists(st.booleans(), min_size=rows, max_size=rows)
    return {
        "words": words,
        "extra": draw(st.integers(0, 3)),
        "padding": draw(st.sampled_from(paddings)),
        "labelled": draw(st.one_of(st.just([True] * rows), labels, st.just([False] * rows))),
        "seed": draw(st.integers(0, 2**31 - 1)),
        "noise": draw(st.integers(0, 2**31 - 1)),
    }


def features_of(
    batch: Batch, hidden: int, dtype: torch.dtype | None = None, pooling: Pooling = "mean"
) -> Features:
    """The features of a spec: `tokens` [B, T, `hidden`], normally distributed, 8 times as wide where masked.

    What is at real tokens depends on `seed` and not on the padding, what is at masked places on `noise`.
    """
    import torch

    from mtlkit.contracts.backbone import Features
    from mtlkit.engine.pooling import pool

    rows = batch["words"]
    width = max(map(len, rows)) + batch["extra"]
    real = torch.Generator().manual_seed(batch["seed"])
    masked = torch.Generator().manual_seed(batch["noise"])
    tokens = 8 * torch.randn(len(rows), width, hidden, generator=masked, dtype=torch.float64)
    mask = torch.zeros(len(rows), width, dtype=torch.bool)
    words = torch.full((len(rows), width), -1)
    for row, numbers in enumerate(rows):
        places = torch.tensor(_places(batch["padding"], len(numbers), width))
        tokens[row, places] = torch.randn(len(numbers), hidden, generator=real, dtype=torch.float64)
        mask[row, places] = True
        words[row, places] = torch.tensor(numbers)
    tokens = tokens.to(dtype or torch.get_default_dtype())
    return Features(tokens, mask, words, pool(tokens, mask, pooling))


def _numbers(tokens: list[str]) -> list[int]:
    found: list[int] = []
    word = -1
    for token in tokens:
        word += token == "new"  # noqa: S105  not a password
        found.append(-1 if token == "special" else word)  # noqa: S105
    return found


def _places(padding: str, length: int, width: int) -> list[int]:
    """The columns of a row's tokens."""
    if padding == "inside":
        return [at * width // length for at in range(length)]
    first = width - length if padding == "left" else 0
    return list(range(first, first + length))
