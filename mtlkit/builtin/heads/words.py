"""Words in rows of tokens and in rows of data: their vectors, and their labels as tables.

Shapes: B rows, T tokens, W words of the longest row, H hidden size.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from mtlkit.builtin.heads.label_set import IGNORED
from mtlkit.builtin.heads.token_options import Subword
from mtlkit.contracts.data import Record, Value
from mtlkit.errors import DataError

NO_SCORE = float("-inf")
"""What a word without tokens has in place of scores."""


def word_vectors(states: Tensor, mask: Tensor, words: Tensor, subword: Subword) -> tuple[Tensor, Tensor]:
    """Vectors [B, W, H] of the words up to the last one seen, and which of them [B, W] have a token.

    `states` [B, T, H] are 0 at masked places. A word is its first or last token or the mean of its tokens;
    one without tokens is the zero vector.
    """
    members = torch.where(mask, words, -1)
    width = int(members.max()) + 1 if members.numel() else 0
    if subword == "mean":
        own = members.unsqueeze(1) == torch.arange(width, device=members.device)[:, None]
        sizes = own.sum(-1, keepdim=True)
        return own.to(states.dtype) @ states / sizes.clamp(min=1), sizes.squeeze(-1) > 0
    rows, length = members.shape
    first = subword == "first"
    places = torch.arange(length, device=members.device).expand(rows, length)
    # Column 0 collects the tokens of no word.
    found = torch.full((rows, width + 1), length if first else -1, device=members.device)
    found = found.scatter_reduce(1, members + 1, places, "amin" if first else "amax")[:, 1:]
    seen = (found >= 0) & (found < length)
    index = torch.where(seen, found, 0).unsqueeze(-1).expand(-1, -1, states.shape[-1])
    return states.gather(1, index).masked_fill(~seen.unsqueeze(-1), 0.0), seen


def lengths_of(seen: Tensor) -> Tensor:
    """How many words [B] a row has up to the last one seen [B, W]."""
    numbers = torch.arange(1, seen.shape[1] + 1, device=seen.device)
    return (seen * numbers).amax(1) if seen.shape[1] else seen.sum(1)


def table_of(rows: Sequence[Sequence[int]]) -> Tensor:
    """Numbers [B, W] of rows of any length, -100 behind the end of a row."""
    table = torch.full((len(rows), max(map(len, rows), default=0)), IGNORED, dtype=torch.long)
    for place, row in enumerate(rows):
        table[place, : len(row)] = torch.tensor(row, dtype=torch.long)
    return table


def cells_of(row: Record, tokens: str, column: str, what: str = "tags") -> Sequence[Value]:
    """What a column says of each word of a row, `what` being the name of these; nothing where it is missing.

    Raises:
        DataError: when one of the columns holds text, or not one cell for each word.
    """
    words, cells = row.get(tokens) or [], row.get(column)
    if cells is None or cells == "" or len(cells) == 0:
        return []
    one = what.removesuffix("s")
    if isinstance(words, str) or isinstance(cells, str):
        named = tokens if isinstance(words, str) else column
        raise DataError(
            f"the column {named!r} holds text, not lists", f"one word and one {one} for each place"
        )
    if len(cells) != len(words):
        message = f"a row has {len(words)} words but {len(cells)} {what}: {' '.join(map(str, words))[:60]!r}"
        raise DataError(message, f"{column!r} must be as long as {tokens!r}")
    found: Sequence[Value] = cells
    return found
