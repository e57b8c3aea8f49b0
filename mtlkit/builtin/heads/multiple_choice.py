"""The head `multiple-choice`: one score for each choice, softmax over the choices of a row.

Shapes: B rows, C choices.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mtlkit.builtin.heads.choice_options import MultipleChoice
from mtlkit.builtin.heads.label_set import IGNORED, LabelSet
from mtlkit.builtin.heads.text_reader import TextReader
from mtlkit.builtin.heads.tower import Tower
from mtlkit.builtin.metrics.accuracy import accuracy
from mtlkit.contracts.backbone import Features
from mtlkit.contracts.data import Record
from mtlkit.contracts.head import HeadContext, LossTerm, Measure
from mtlkit.contracts.scored import ScoredLabel
from mtlkit.errors import DataError

NO_CHOICE = float("-inf")


class MultipleChoiceHead(nn.Module):
    """Scores each choice with the same weights, the highest is the answer (Zellers et al. 2018).

    Raises:
        RecipeError: when a layer is none of the backbone's.
    """

    def __init__(self, options: MultipleChoice, context: HeadContext) -> None:
        super().__init__()
        self.options, self.views = options, options.views()
        self.reader = TextReader(options.pooling, options.layers, context)
        self.needs, self.pooling, self.layers = self.reader.needs, self.reader.pooling, self.reader.depths
        self.labels = LabelSet.of(options.names(), options.label, context)
        self.tower = Tower(options, self.reader.size, 1)

    def inputs(self, rows: Sequence[Record]) -> Tensor:
        """Which choices [B, C] there are."""
        there = [[self._there(row, choice) for choice in self.options.choices] for row in rows]
        return torch.tensor(there, dtype=torch.bool).reshape(len(rows), len(self.options.choices))

    def targets(self, rows: Sequence[Record]) -> Tensor:
        """Numbers of the right choices [B]; -100 where the label is missing.

        Raises:
            RecipeError: when a label is none of the names of choices.
            DataError: when the right choice is empty; names the row.
        """
        return torch.tensor([self._number(row) for row in rows], dtype=torch.long)

    def count(self, targets: Tensor) -> float:
        """The labelled rows."""
        return float((targets != IGNORED).sum())

    def forward(self, features: Sequence[Features], inputs: Tensor) -> Tensor:
        """Scores [B, C]; -inf for a choice that is not there."""
        scores = torch.cat([self.tower(self.reader(view)) for view in features], 1)
        return scores.masked_fill(~inputs, NO_CHOICE)

    def loss(self, output: Tensor, targets: Tensor) -> LossTerm:
        """Cross-entropy over the choices that are there, of which smoothing gives each the same share."""
        known = targets != IGNORED
        scores = output[known].to(torch.promote_types(output.dtype, torch.float32))
        logs = scores.log_softmax(-1)
        there = scores != NO_CHOICE
        right = logs.gather(1, targets[known, None]).sum()
        even = (logs.masked_fill(~there, 0.0).sum(-1) / there.sum(-1)).sum()
        smoothing = self.options.label_smoothing
        return LossTerm(-(1 - smoothing) * right - smoothing * even, self.count(targets))

    def decode(self, output: Tensor) -> list[ScoredLabel]:
        """The name of the choice with the highest score, with how likely each is."""
        names = self.labels.names
        likely = output.float().softmax(-1).nan_to_num().tolist()  # NaN where a row has no choice at all
        best = output.argmax(-1).tolist()
        return [
            ScoredLabel(names[number], dict(zip(names, each, strict=True)))
            for number, each in zip(best, likely, strict=True)
        ]

    def metrics(self, predictions: Sequence[str], rows: Sequence[Record]) -> tuple[Measure, ...]:
        """Accuracy over the labelled rows."""
        cells = [row.get(self.options.label) for row in rows]
        known = [place for place, cell in enumerate(cells) if cell is not None and cell != ""]
        if not known:
            return ()
        return (accuracy([predictions[at] for at in known], [str(cells[at]) for at in known]),)

    def _number(self, row: Record) -> int:
        question = row.get(self.options.question)
        number = self.labels.number(row.get(self.options.label), question)
        if number != IGNORED and not self._there(row, self.options.choices[number]):
            column = self.options.choices[number]
            message = f"the right choice of the row {str(question)[:60]!r} is {self.labels.names[number]!r}"
            raise DataError(message, f"its column {column!r} is empty")
        return number

    def _there(self, row: Record, choice: str) -> bool:
        cell = row.get(choice)
        return cell is not None and cell != ""
