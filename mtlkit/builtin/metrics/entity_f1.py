"""Entity F1: an entity counts where its first word, its last word and its type are all right.

Spans are read as conlleval and seqeval (its default mode) do, from the prefixes B, I, E and S.
Shapes: N sentences of an evaluation set.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mtlkit.contracts.head import Measure

OUTSIDE = "O"
Span = tuple[str, int, int]


def entity_f1(predicted: Sequence[Sequence[str]], gold: Sequence[Sequence[str | None]]) -> Measure:
    """Micro F1 over exact entities; records [N, 3] are a sentence's right, predicted and gold entities.

    0 where there is no entity at all. Words of missing tag count as outside.
    """
    counts = []
    for tags, wanted in zip(predicted, gold, strict=True):
        mine, theirs = spans(tags), spans([tag or OUTSIDE for tag in wanted])
        counts.append((len(mine & theirs), len(mine), len(theirs)))
    return Measure("entity-f1", np.asarray(counts, np.float64), _f1)


def spans(tags: Sequence[str]) -> set[Span]:
    """The entities of one sentence as (type, first word, last word)."""
    found: set[Span] = set()
    start, open_type, before = 0, None, OUTSIDE
    for place, tag in enumerate([*tags, OUTSIDE]):
        prefix, _, kind = tag.partition("-")
        begins = prefix in ("B", "S") or before in ("E", "S", OUTSIDE) or kind != open_type
        if open_type is not None and (prefix == OUTSIDE or begins):
            found.add((open_type, start, place - 1))
            open_type = None
        if prefix != OUTSIDE and begins:
            start, open_type = place, kind
        before = prefix
    return found


def _f1(records: np.ndarray) -> float:
    right, predicted, gold = records.sum(0)
    return float(2 * right / (predicted + gold)) if predicted + gold else 0.0
