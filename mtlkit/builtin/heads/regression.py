"""The head `regression`: one or several numbers for each text.

Shapes: B rows, K targets, N rows of an evaluation set.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  the name torch's own documentation uses

from mtlkit.builtin.heads.cells import number_in
from mtlkit.builtin.heads.number_options import Regression
from mtlkit.builtin.heads.text_reader import TextReader
from mtlkit.builtin.heads.tower import Tower
from mtlkit.builtin.metrics.several_numbers import of_several_numbers
from mtlkit.contracts.backbone import Features
from mtlkit.contracts.data import Record
from mtlkit.contracts.head import HeadContext, LossTerm, Measure
from mtlkit.errors import DataError


class RegressionHead(nn.Module):
    """A regressor; with a range, its scores are shares of the way from the lowest to the highest number.

    Raises:
        RecipeError: when a layer is none of the backbone's.
    """

    def __init__(self, options: Regression, context: HeadContext) -> None:
        super().__init__()
        self.options, self.views, self.task = options, options.views(), context.task
        self.reader = TextReader(options.pooling, options.layers, context)
        self.needs, self.pooling, self.layers = self.reader.needs, self.reader.pooling, self.reader.depths
        self.columns = options.targets()
        self.tower = Tower(options, self.reader.size, len(self.columns))

    def targets(self, rows: Sequence[Record]) -> Tensor:
        """The numbers [B, K], scaled where there is a range; NaN where they are missing.

        Raises:
            DataError: when a label is not a finite number, or outside of the range.
        """
        table = [[self._number(row, column) for column in self.columns] for row in rows]
        return torch.tensor(table, dtype=torch.float32).reshape(len(rows), len(self.columns))

    def count(self, targets: Tensor) -> float:
        """How many numbers are known."""
        return float((~targets.isnan()).sum())

    def forward(self, features: Sequence[Features]) -> Tensor:
        """Scores [B, K]: the numbers, scaled where there is a range."""
        scores: Tensor = self.tower(self.reader(features[0]))
        return scores

    def loss(self, output: Tensor, targets: Tensor) -> LossTerm:
        """The distances summed over the known numbers; huber is torch's (Huber 1964)."""
        scores = self._limited(output.to(torch.promote_types(output.dtype, torch.float32)))
        known = ~targets.isnan()
        predicted, wanted = scores[known], targets.to(scores)[known]
        if self.options.loss == "mae":
            total = F.l1_loss(predicted, wanted, reduction="sum")
        elif self.options.loss == "huber":
            total = F.huber_loss(predicted, wanted, reduction="sum", delta=self.options.delta)
        else:
            total = F.mse_loss(predicted, wanted, reduction="sum")
        return LossTerm(total, self.count(targets))

    def decode(self, output: Tensor) -> list[Any]:
        """A number for each row, or a list of K, within the range."""
        scores = self._limited(output.double())
        if self.options.range is not None:
            low, high = self.options.range
            scores = low + (high - low) * scores.clamp(0, 1)
        return scores[:, 0].tolist() if len(self.columns) == 1 else scores.tolist()

    def metrics(self, predictions: Sequence[Any], rows: Sequence[Record]) -> tuple[Measure, ...]:
        """The metrics chosen, over the rows with a label; of several targets, their mean."""
        gold = np.asarray(
            [[number_in(row.get(column), column, self.task) for column in self.columns] for row in rows]
        ).reshape(len(rows), len(self.columns))
        known = np.flatnonzero(~np.isnan(gold).all(1)).tolist()
        if not known:
            return ()
        predicted = np.asarray([predictions[place] for place in known], np.float64).reshape(len(known), -1)
        return of_several_numbers(self.options.metrics(), predicted, gold[known])

    def present(self, predictions: Sequence[Any], rows: Sequence[Record]) -> list[Any]:
        """The number, or a table of column → number where there are several."""
        if len(self.columns) == 1:
            return list(predictions)
        return [dict(zip(self.columns, each, strict=True)) for each in predictions]

    def _limited(self, scores: Tensor) -> Tensor:
        return scores.sigmoid() if self.options.limit == "sigmoid" else scores

    def _number(self, row: Record, column: str) -> float:
        number = number_in(row.get(column), column, self.task)
        if self.options.range is None:
            return number
        low, high = self.options.range
        if number < low or number > high:
            message = f"task {self.task!r}: the column {column!r} holds {row.get(column)!r}"
            raise DataError(message, f"the range of the head is {low:g} to {high:g}")
        return (number - low) / (high - low)
