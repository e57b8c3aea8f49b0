"""The head `multi-label-token`: any number of labels for each word, each decided for itself.

Shapes: B rows, W words of the longest row, C labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  the name torch's own documentation uses

from mtlkit.builtin.heads.label_set import LabelSet
from mtlkit.builtin.heads.token_options import MultiLabelToken
from mtlkit.builtin.heads.tower import Tower
from mtlkit.builtin.heads.word_reader import WordReader
from mtlkit.builtin.heads.words import NO_SCORE, cells_of, lengths_of
from mtlkit.builtin.metrics.places import of_places
from mtlkit.contracts.backbone import Features, Pooling
from mtlkit.contracts.data import Record, Value
from mtlkit.contracts.head import HeadContext, LossTerm, Measure

UNKNOWN = -1.0


class MultiLabelTokenHead(nn.Module):
    """A tagger that gives a word several labels or none.

    Raises:
        RecipeError: when there are no labels, or a layer is none of the backbone's.
    """

    needs: Literal["tokens"] = "tokens"
    pooling: Pooling = "mean"

    def __init__(self, options: MultiLabelToken, context: HeadContext) -> None:
        super().__init__()
        self.options = options
        self.views: tuple[tuple[str, ...], ...] = ((options.tokens,),)
        self.words = WordReader(options, context)
        self.layers = self.words.depths
        self.labels = LabelSet.of(options.labels, options.label, context)
        self.tower = Tower(options, self.words.size, len(self.labels.names))

    def targets(self, rows: Sequence[Record]) -> Tensor:
        """1 and 0 for the labels of words [B, W, C], -1 behind the last word and where nothing is known.

        Raises:
            RecipeError: when a label is not in the head's label set.
            DataError: when a row's labels are not one list for each word.
        """
        tables = [self._table(row) for row in rows]
        width = max((len(table) for table in tables), default=0)
        padded = [F.pad(table, (0, 0, 0, width - len(table)), value=UNKNOWN) for table in tables]
        return torch.stack(padded) if padded else torch.zeros(0, 0, len(self.labels.names))

    def count(self, targets: Tensor) -> float:
        """The decisions: known words times labels; those of words that were cut off too, without a loss."""
        return float((targets != UNKNOWN).sum())

    def forward(self, features: Sequence[Features]) -> Tensor:
        """Logits [B, W, C] of the words that the backbone saw; -inf for a word without tokens."""
        words, seen = self.words(features[0])
        scores: Tensor = self.tower(words)
        return scores.masked_fill(~seen.unsqueeze(-1), NO_SCORE)

    def loss(self, output: Tensor, targets: Tensor) -> LossTerm:
        """Binary cross-entropy summed over the decisions about words that the backbone saw."""
        width = min(output.shape[1], targets.shape[1])
        scores, wanted = output[:, :width], targets[:, :width]
        chosen = (wanted != UNKNOWN) & (scores != NO_SCORE)
        wide = torch.promote_types(output.dtype, torch.float32)
        total = F.binary_cross_entropy_with_logits(
            scores[chosen].to(wide), wanted[chosen].to(wide), reduction="sum"
        )
        return LossTerm(total, self.count(targets))

    def decode(self, output: Tensor) -> list[list[list[str]]]:
        """The labels of each word up to the last one seen, in the labels' order; none without tokens."""
        lengths = lengths_of(output[..., 0] != NO_SCORE).tolist()
        chosen = (output.sigmoid() >= self.options.threshold).tolist()
        names = self.labels.names
        return [
            [[name for name, is_one in zip(names, word, strict=True) if is_one] for word in row[:length]]
            for row, length in zip(chosen, lengths, strict=True)
        ]

    def metrics(
        self, predictions: Sequence[Sequence[Sequence[str]]], rows: Sequence[Record]
    ) -> tuple[Measure, ...]:
        """The metrics chosen, of the labels of known words; words cut off have none."""
        predicted, gold = [], []
        for labels, row in zip(predictions, rows, strict=True):
            cells = [_labels(cell) for cell in row.get(self.options.label) or []]
            if any(cell is not None for cell in cells):
                gold.append(cells)
                predicted.append([*labels, *[()] * len(cells)][: len(cells)])
        if not gold:
            return ()
        return of_places(self.options.metrics(), predicted, gold, self.labels.names)

    def _table(self, row: Record) -> Tensor:
        words = row.get(self.options.tokens)
        cells = cells_of(row, self.options.tokens, self.options.label, "labels")
        table = torch.zeros(len(cells), len(self.labels.names))
        for place, cell in enumerate(cells):
            labels = _labels(cell)
            if labels is None:
                table[place] = UNKNOWN
                continue
            for label in labels:
                table[place, self.labels.number(label, words)] = 1.0
        return table


def _labels(cell: Value) -> list[str] | None:
    """The labels of one word, None where they are unknown; a single label needs no list."""
    if cell is None:
        return None
    each = cell if isinstance(cell, list | tuple) else [cell]
    return [str(label) for label in each if label is not None and label != ""]
