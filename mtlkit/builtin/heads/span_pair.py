"""The head `span-pair`: a label, such as a relation, for each pair of spans that a row names.

Shapes: B rows, S pairs of the row that has most, C classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from mtlkit.builtin.heads.classes import Classes
from mtlkit.builtin.heads.span_options import SpanPair
from mtlkit.builtin.heads.span_tables import Span, labels_of, span_table, spans_of
from mtlkit.builtin.heads.span_vectors import SpanExtractor
from mtlkit.builtin.heads.spans_classified import best_labels, known_labels, place_measures, table_loss
from mtlkit.builtin.heads.tower import Tower
from mtlkit.builtin.heads.word_reader import WordReader
from mtlkit.builtin.heads.words import NO_SCORE, table_of
from mtlkit.contracts.backbone import Features, Pooling
from mtlkit.contracts.data import Record
from mtlkit.contracts.head import HeadContext, LossTerm, Measure
from mtlkit.errors import DataError


class SpanPairHead(nn.Module):
    """A classifier of pairs of spans (Tenney et al. 2019, section 3.1).

    The two spans are read with weights of their own, so the order of a pair matters.

    Raises:
        RecipeError: when there are no classes, a class weight names none of them, or a layer is none of the
            backbone's.
    """

    needs: Literal["tokens"] = "tokens"
    pooling: Pooling = "mean"

    def __init__(self, options: SpanPair, context: HeadContext) -> None:
        super().__init__()
        self.options = options
        self.views: tuple[tuple[str, ...], ...] = ((options.tokens,),)
        self.words = WordReader(options, context)
        self.layers = self.words.depths
        self.classes = Classes(options, context)
        first, second = (SpanExtractor(options, self.words.size) for _ in range(2))
        self.extractors = nn.ModuleList([first, second])
        self.tower = Tower(options, first.size + second.size, len(self.classes.labels.names))

    def inputs(self, rows: Sequence[Record]) -> Tensor:
        """Begins and ends [B, S, 2, 2] of the first and second spans, -1 behind the last pair of a row.

        Raises:
            DataError: when a cell is no list of spans, a span is empty or not within the row's words, or the
                first spans of a row are more or fewer than the second.
        """
        pairs = zip(*(self._pairs(row) for row in rows), strict=True)
        sides = [span_table(side) for side in pairs]
        return torch.stack(sides, 2) if sides else torch.zeros(0, 0, 2, 2, dtype=torch.long)

    def targets(self, rows: Sequence[Record]) -> Tensor:
        """Class numbers [B, S]; -100 behind the last pair of a row and where a label is missing.

        Raises:
            RecipeError: when a label is not in the head's label set.
            DataError: when a row has more or fewer labels than pairs.
        """
        return table_of([self._numbers(row) for row in rows])

    def count(self, targets: Tensor) -> float:
        """The labelled pairs with the weights of their classes; those cut off too, which add no loss."""
        return self.classes.count(targets)

    def forward(self, features: Sequence[Features], pairs: Tensor) -> Tensor:
        """Scores [B, S, C] of the pairs; -inf where the backbone saw no word of one of the spans."""
        words, seen = self.words(features[0])
        sides = zip(self.extractors, pairs.unbind(2), strict=True)
        (first, one), (second, other) = (extractor(words, seen, spans) for extractor, spans in sides)
        scores: Tensor = self.tower(torch.cat([first, second], -1))
        return scores.masked_fill(~(one & other).unsqueeze(-1), NO_SCORE)

    def loss(self, output: Tensor, targets: Tensor) -> LossTerm:
        """Cross-entropy summed over the labelled pairs of which the backbone saw both spans."""
        return table_loss(self.classes, output, targets)

    def decode(self, output: Tensor) -> list[list[str | None]]:
        """The best label of each pair up to the last one seen; None for one that was cut off."""
        return best_labels(self.classes, output)

    def present(
        self, predictions: Sequence[Sequence[str | None]], rows: Sequence[Record]
    ) -> list[list[str | None]]:
        """One label for each pair that the rows name, None for those cut off."""
        each = zip(predictions, rows, strict=True)
        return [[*labels, *[None] * (len(self._pairs(row)[0]) - len(labels))] for labels, row in each]

    def metrics(
        self, predictions: Sequence[Sequence[str | None]], rows: Sequence[Record]
    ) -> tuple[Measure, ...]:
        """The metrics chosen, of the labelled pairs; one that was cut off is missed."""
        gold = [known_labels(self._labels(row), self.options.ignore) for row in rows]
        return place_measures(self.options.metrics(), predictions, gold, self.classes.labels.names)

    def _pairs(self, row: Record) -> tuple[list[Span], list[Span]]:
        options = self.options
        first, second = (spans_of(row, options.tokens, column) for column in (options.first, options.second))
        if len(first) != len(second):
            message = f"a row has {len(first)} first spans but {len(second)} second ones"
            raise DataError(message, f"{options.first!r} must be as long as {options.second!r}")
        return first, second

    def _labels(self, row: Record) -> list[object]:
        return labels_of(row, self.options.label, self._pairs(row)[0], self.options.first)

    def _numbers(self, row: Record) -> list[int]:
        words = row.get(self.options.tokens)
        known = known_labels(self._labels(row), self.options.ignore)
        return [self.classes.labels.number(label, words) for label in known]
