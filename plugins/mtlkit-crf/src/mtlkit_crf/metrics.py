"""Entity F1 and word accuracy over an evaluation set.

Shapes: N rows of the evaluation set.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

import mtlkit
from mtlkit_crf.bio import OUTSIDE

Entity = tuple[str, int, int]
ALONE = frozenset("BSO")
LAST = frozenset("ES")


def entity_f1(predicted: Sequence[Sequence[str]], gold: Sequence[Sequence[str | None]]) -> mtlkit.Measure:
    """Micro F1 of entities with the right first word, last word and type; 0 where there is no entity.

    Records [N, 3] are the entities of a row that are right, predicted and gold. A missing tag counts
    as outside.
    """
    records = []
    for tags, wanted in zip(predicted, gold, strict=True):
        mine, theirs = entities(tags), entities([tag or OUTSIDE for tag in wanted])
        records.append((len(mine & theirs), len(mine), len(theirs)))
    return mtlkit.Measure("entity-f1", np.asarray(records, np.float64).reshape(-1, 3), _f1)


def word_accuracy(predicted: Sequence[Sequence[str]], gold: Sequence[Sequence[str | None]]) -> mtlkit.Measure:
    """The share of tagged words predicted right; records [N, 2] are a row's right and tagged words."""
    records = []
    for tags, wanted in zip(predicted, gold, strict=True):
        right = [tag == theirs for tag, theirs in zip(tags, wanted, strict=True) if theirs is not None]
        records.append((sum(right), len(right)))
    return mtlkit.Measure("token-accuracy", np.asarray(records, np.float64).reshape(-1, 2), _share)


def entities(tags: Sequence[str]) -> set[Entity]:
    """The entities of a row as (type, first word, last word), read as conlleval does.

    An I tag that continues no entity begins one. The prefixes E and S of the longer scheme are
    understood.
    """
    found: set[Entity] = set()
    kind: str | None = None
    first, over = 0, False
    for place, tag in enumerate([*tags, OUTSIDE]):
        prefix, _, own = tag.partition("-")
        if kind is not None and (over or prefix in ALONE or own != kind):
            found.add((kind, first, place - 1))
            kind = None
        if kind is None and prefix != OUTSIDE:
            kind, first = own, place
        over = prefix in LAST
    return found


def _f1(records: np.ndarray) -> float:
    right, predicted, gold = records.sum(0)
    return float(2 * right / (predicted + gold)) if predicted + gold else 0.0


def _share(records: np.ndarray) -> float:
    right, tagged = records.sum(0)
    return float(right / tagged) if tagged else 0.0
