"""Entities of rows as tables of all spans up to a width, from tags of words or from lists of spans.

Shapes: B rows, W words of the longest row, M words of a span at most, C classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import torch
from attrs import frozen
from torch import Tensor

from mtlkit.builtin.heads.label_set import LabelSet
from mtlkit.builtin.heads.span_options import BiaffineNer
from mtlkit.builtin.heads.span_tables import labels_of, spans_of
from mtlkit.builtin.heads.words import cells_of
from mtlkit.builtin.metrics.entity_f1 import OUTSIDE, spans
from mtlkit.contracts.data import Record
from mtlkit.contracts.head import HeadContext

Entity = tuple[int, int, str]
"""Begin, end (exclusive) and label."""


@frozen
class Entities:
    """What is known of a row: of how many `words`, the entities, and `unknown` spans.

    It is not known whether these are entities, and in tags nor is it of any with a word of theirs.
    """

    words: int
    entities: tuple[Entity, ...]
    unknown: tuple[tuple[int, int], ...]


@frozen(eq=False)
class EntityTargets:
    """Which spans are entities of which class, `gold` [B, W, M, C], and which are `known` [B, W, M].

    `words` [B] are how many words of a row are known.
    """

    gold: Tensor
    known: Tensor
    words: Tensor

    def to(self, device: torch.device | str) -> Self:
        """The same on another device."""
        return type(self)(*(each.to(device) for each in (self.gold, self.known, self.words)))


@frozen
class EntityLabels:
    """The classes of entities, and what the label column may hold: these, or the tags that name them."""

    names: tuple[str, ...]
    given: LabelSet

    @classmethod
    def of(cls, options: BiaffineNer, context: HeadContext) -> Self:
        """The labels of spans, or the types of the tags ("" where a prefix stands alone).

        Raises:
            RecipeError: when there are none, or one is listed twice.
        """
        given = LabelSet.of(options.labels, options.label, context)
        if options.spans:
            return cls(given.names, given)
        kinds = dict.fromkeys(kind for tag in given.names for kind, _, _ in spans([tag]))
        return cls(tuple(kinds) or given.names, given)


def entities_of(row: Record, options: BiaffineNer) -> Entities:
    """What a row says; nothing where its labels are missing, all of them or each.

    Raises:
        DataError: when the columns do not fit each other, or a span is not within the row's words.
    """
    if options.spans:
        return _of_spans(row, options)
    tags = cells_of(row, options.tokens, options.label)
    missing = [tag is None or tag == "" for tag in tags]
    found = spans([OUTSIDE if none else str(tag) for none, tag in zip(missing, tags, strict=True)])
    entities = tuple(sorted((first, last + 1, kind) for kind, first, last in found))
    # What touches a word of missing tag may go on in it.
    unknown = tuple((place - 1, place + 2) for place, none in enumerate(missing) if none)
    clear = tuple(each for each in entities if not any(_meet(each[:2], hole) for hole in unknown))
    return Entities(missing.count(False), clear, unknown)


def _of_spans(row: Record, options: BiaffineNer) -> Entities:
    if any(row.get(column) is None or row.get(column) == "" for column in (options.label, options.spans)):
        return Entities(0, (), ())
    if row[options.label] and all(label is None for label in row[options.label]):
        return Entities(0, (), ())
    places = spans_of(row, options.tokens, options.spans)
    labels = labels_of(row, options.label, places, options.spans)
    pairs = list(zip(places, labels, strict=True))
    known = tuple((*place, str(label)) for place, label in pairs if label is not None and label != "")
    unknown = tuple(place for place, label in pairs if label is None or label == "")
    words = 0 if pairs and not known else len(row.get(options.tokens) or [])
    return Entities(words, known, unknown)


def entity_targets(rows: Sequence[Record], options: BiaffineNer, labels: EntityLabels) -> EntityTargets:
    """The tables of some rows; entities wider than M are not in them.

    Raises:
        RecipeError: when a label is none of the classes, or a tag none of the tags.
        DataError: see `entities_of`.
    """
    length = max((len(row.get(options.tokens) or []) for row in rows), default=0)
    shape = (len(rows), length, options.max_width)
    gold = torch.zeros((*shape, len(labels.names)), dtype=torch.bool)
    known = torch.zeros(shape, dtype=torch.bool)
    words = torch.zeros(len(rows))
    begins = torch.arange(length)[:, None]
    ends = begins + torch.arange(1, options.max_width + 1)
    for place, row in enumerate(rows):
        found, size = entities_of(row, options), len(row.get(options.tokens) or [])
        words[place] = found.words
        if not found.words:
            continue
        for label in row[options.label]:
            labels.given.number(label, row.get(options.tokens))
        known[place] = ends <= size
        for begin, end in found.unknown:
            same = (begins == begin) & (ends == end)
            known[place] &= ~(same if options.spans else (begins < end) & (begin < ends))
        for begin, end, label in found.entities:
            if end - begin <= options.max_width:
                gold[place, begin, end - begin - 1, labels.names.index(label)] = True
    return EntityTargets(gold, known, words)


def certain(predicted: Sequence[Entity], known: Entities, options: BiaffineNer) -> set[Entity]:
    """The predicted entities of which it is known whether they are right."""
    if options.spans:
        return {each for each in predicted if each[:2] not in known.unknown}
    return {each for each in predicted if not any(_meet(each[:2], hole) for hole in known.unknown)}


def _meet(one: tuple[int, int], other: tuple[int, int]) -> bool:
    return one[0] < other[1] and other[0] < one[1]
