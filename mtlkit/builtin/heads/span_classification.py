"""The head `span-classification`: a label for each of the spans of words that a row names.

Shapes: B rows, S spans of the row that has most, C classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from torch import Tensor, nn

from mtlkit.builtin.heads.classes import Classes
from mtlkit.builtin.heads.span_options import SpanClassification
from mtlkit.builtin.heads.span_tables import Span, labels_of, span_table, spans_of
from mtlkit.builtin.heads.span_vectors import SpanExtractor
from mtlkit.builtin.heads.spans_classified import best_labels, known_labels, place_measures, table_loss
from mtlkit.builtin.heads.tower import Tower
from mtlkit.builtin.heads.word_reader import WordReader
from mtlkit.builtin.heads.words import NO_SCORE, table_of
from mtlkit.contracts.backbone import Features, Pooling
from mtlkit.contracts.data import Record
from mtlkit.contracts.head import HeadContext, LossTerm, Measure


class SpanClassificationHead(nn.Module):
    """A classifier of given spans (Tenney et al. 2019, edge probing with one span).

    Raises:
        RecipeError: when there are no classes, a class weight names none of them, or a layer is none of the
            backbone's.
    """

    needs: Literal["tokens"] = "tokens"
    pooling: Pooling = "mean"

    def __init__(self, options: SpanClassification, context: HeadContext) -> None:
        super().__init__()
        self.options = options
        self.views: tuple[tuple[str, ...], ...] = ((options.tokens,),)
        self.words = WordReader(options, context)
        self.layers = self.words.depths
        self.classes = Classes(options, context)
        self.extractor = SpanExtractor(options, self.words.size)
        self.tower = Tower(options, self.extractor.size, len(self.classes.labels.names))

    def inputs(self, rows: Sequence[Record]) -> Tensor:
        """Begins and ends [B, S, 2] of the spans, -1 behind the last of a row.

        Raises:
            DataError: when a cell is no list of spans, or a span is empty or not within the row's words.
        """
        return span_table([self._spans(row) for row in rows])

    def targets(self, rows: Sequence[Record]) -> Tensor:
        """Class numbers [B, S]; -100 behind the last span of a row and where a label is missing.

        Raises:
            RecipeError: when a label is not in the head's label set.
            DataError: when a row has more or fewer labels than spans.
        """
        return table_of([self._numbers(row) for row in rows])

    def count(self, targets: Tensor) -> float:
        """The labelled spans with the weights of their classes; those cut off too, which add no loss."""
        return self.classes.count(targets)

    def forward(self, features: Sequence[Features], spans: Tensor) -> Tensor:
        """Scores [B, S, C] of the spans; -inf for one of which the backbone saw no word."""
        vectors, alive = self.extractor(*self.words(features[0]), spans)
        scores: Tensor = self.tower(vectors)
        return scores.masked_fill(~alive.unsqueeze(-1), NO_SCORE)

    def loss(self, output: Tensor, targets: Tensor) -> LossTerm:
        """Cross-entropy summed over the labelled spans of which the backbone saw a word."""
        return table_loss(self.classes, output, targets)

    def decode(self, output: Tensor) -> list[list[str | None]]:
        """The best label of each span up to the last one seen; None for one that was cut off."""
        return best_labels(self.classes, output)

    def present(
        self, predictions: Sequence[Sequence[str | None]], rows: Sequence[Record]
    ) -> list[list[str | None]]:
        """One label for each span that the rows name, None for those cut off."""
        pairs = zip(predictions, rows, strict=True)
        return [[*labels, *[None] * (len(self._spans(row)) - len(labels))] for labels, row in pairs]

    def metrics(
        self, predictions: Sequence[Sequence[str | None]], rows: Sequence[Record]
    ) -> tuple[Measure, ...]:
        """The metrics chosen, of the labelled spans; one that was cut off is missed."""
        gold = [known_labels(self._labels(row), self.options.ignore) for row in rows]
        return place_measures(self.options.metrics(), predictions, gold, self.classes.labels.names)

    def _spans(self, row: Record) -> list[Span]:
        return spans_of(row, self.options.tokens, self.options.spans)

    def _labels(self, row: Record) -> list[object]:
        return labels_of(row, self.options.label, self._spans(row), self.options.spans)

    def _numbers(self, row: Record) -> list[int]:
        words = row.get(self.options.tokens)
        known = known_labels(self._labels(row), self.options.ignore)
        return [self.classes.labels.number(label, words) for label in known]
