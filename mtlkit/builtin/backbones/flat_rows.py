"""Token rows as plain numbers, to be kept on disk: the numbers of each row one behind the other."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np
from attrs import frozen

from mtlkit.builtin.backbones.token_batch import TokenRow

FIELDS = ("ids", "types", "words", "texts", "spans")
FORMAT = 1


@frozen
class FlatTokenRows:
    """Rows of which each has the same fields, a number per token, two of `spans`; none are in windows.

    `identity` is a text that is equal only where equal rows are prepared equally.
    """

    identity: str

    def flattened(self, items: Sequence[TokenRow]) -> tuple[tuple[str, ...], np.ndarray] | None:
        """The fields that the rows have, and all their numbers; None where they have not all the same."""
        if not items or any(item.windows for item in items):
            return None
        fields = _fields(items[0])
        if any(_fields(item) != fields for item in items):
            return None
        parts = chain.from_iterable([getattr(item, name) for name in fields] for item in items)
        return fields, np.concatenate([part.ravel() for part in parts]).astype(np.int32, copy=False)

    def restored(self, fields: Sequence[str], numbers: np.ndarray) -> TokenRow:
        """The row with these fields and numbers."""
        length = len(numbers) // (len(fields) + ("spans" in fields))
        found: dict[str, Any] = {
            name: numbers[at * length : (at + 1) * length]
            for at, name in enumerate(fields)
            if name != "spans"
        }
        if "spans" in fields:
            found["spans"] = numbers[-2 * length :].reshape(length, 2)
        return TokenRow(**found)


def _fields(row: TokenRow) -> tuple[str, ...]:
    return tuple(name for name in FIELDS if getattr(row, name) is not None)
