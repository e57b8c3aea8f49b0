"""The head `distillation`: learns what a teacher said of the same texts, read from a column.

Shapes: B rows, C classes or numbers of the teacher.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import nan
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  the name torch's own documentation uses

from mtlkit.builtin.heads.cells import number_in
from mtlkit.builtin.heads.number_options import Distillation
from mtlkit.builtin.heads.text_reader import TextReader
from mtlkit.builtin.heads.tower import Tower
from mtlkit.builtin.metrics.distributions import kl_divergence
from mtlkit.builtin.metrics.teacher import agreement, mean_cosine, vector_rmse
from mtlkit.contracts.backbone import Features
from mtlkit.contracts.data import Record
from mtlkit.contracts.head import HeadContext, LossTerm, Measure
from mtlkit.contracts.scored import ScoredLabel
from mtlkit.errors import DataError


class DistillationHead(nn.Module):
    """A student. To learn from labels as well, give the same rows to a second task.

    Raises:
        RecipeError: when a layer is none of the backbone's.
    """

    def __init__(self, options: Distillation, context: HeadContext) -> None:
        super().__init__()
        self.options, self.views, self.task = options, options.views(), context.task
        self.reader = TextReader(options.pooling, options.layers, context)
        self.needs, self.pooling, self.layers = self.reader.needs, self.reader.pooling, self.reader.depths
        self.tower = Tower(options, self.reader.size, options.width())

    def targets(self, rows: Sequence[Record]) -> Tensor:
        """The teacher's numbers [B, C]; NaN in rows without.

        Raises:
            DataError: when there are more or fewer than C numbers, or one is none.
        """
        return torch.from_numpy(self._taught(rows)).float()

    def count(self, targets: Tensor) -> float:
        """The rows that the teacher spoke of."""
        return float((~targets.isnan().any(-1)).sum())

    def forward(self, features: Sequence[Features]) -> Tensor:
        """The student's numbers [B, C]."""
        numbers: Tensor = self.tower(self.reader(features[0]))
        return numbers

    def loss(self, output: Tensor, targets: Tensor) -> LossTerm:
        """Logits: T² · KL of both softmax at temperature T (Hinton et al. 2015, section 2.1).

        Embeddings: the squared distance divided by C, or 1 - cosine. Summed over the rows.
        """
        known = ~targets.isnan().any(-1)
        mine = output[known].to(torch.promote_types(output.dtype, torch.float32))
        theirs, warmth = targets[known].to(mine), self.options.temperature
        if self.options.target == "logits":
            logs = (mine / warmth).log_softmax(-1)
            wanted = (theirs / warmth).log_softmax(-1)
            total = warmth**2 * F.kl_div(logs, wanted, reduction="sum", log_target=True)
        elif self.options.distance == "cosine":
            total = (1 - F.cosine_similarity(mine, theirs, dim=-1)).sum()
        else:
            total = F.mse_loss(mine, theirs, reduction="sum") / self.options.width()
        return LossTerm(total, self.count(targets))

    def decode(self, output: Tensor) -> list[Any]:
        """The likeliest class, with how likely each is; or the list of numbers."""
        if self.options.target == "embedding":
            return output.double().tolist()
        names = self.options.labels
        return [
            ScoredLabel(names[int(np.argmax(each))], dict(zip(names, each, strict=True)))
            for each in output.double().softmax(-1).tolist()
        ]

    def metrics(self, predictions: Sequence[Any], rows: Sequence[Record]) -> tuple[Measure, ...]:
        """How often student and teacher agree and how far they are apart, over the rows that it spoke of."""
        taught = self._taught(rows)
        known = np.flatnonzero(~np.isnan(taught).any(-1)).tolist()
        if not known:
            return ()
        mine, theirs = [predictions[place] for place in known], taught[known]
        if self.options.target == "embedding":
            vectors = np.asarray(mine, np.float64)
            return mean_cosine(vectors, theirs), vector_rmse(vectors, theirs)
        names = self.options.labels
        best = [names[number] for number in theirs.argmax(-1)]
        likely = np.asarray([[_share(each, name) for name in names] for each in mine])
        return agreement(mine, best), kl_divergence(likely, _softmax(theirs))

    def _taught(self, rows: Sequence[Record]) -> np.ndarray:
        table = [self._numbers(row) for row in rows]
        return np.asarray(table, np.float64).reshape(len(rows), self.options.width())

    def _numbers(self, row: Record) -> list[float]:
        width, column = self.options.width(), self.options.teacher
        if not isinstance(column, str):
            numbers = [number_in(row.get(name), name, self.task) for name in column]
            return [nan] * width if any(map(np.isnan, numbers)) else numbers
        cell = row.get(column)
        if cell is None or cell == "":
            return [nan] * width
        if not isinstance(cell, list | tuple) or len(cell) != width:
            message = f"task {self.task!r}: the column {column!r} holds {str(cell)[:60]!r}"
            raise DataError(message, f"it should be a list of {width} numbers")
        numbers = [number_in(each, column, self.task) for each in cell]
        return [nan] * width if any(map(np.isnan, numbers)) else numbers


def _share(prediction: str, name: str) -> float:
    scores = getattr(prediction, "scores", None)
    return float(scores[name]) if scores else float(prediction == name)


def _softmax(scores: np.ndarray) -> np.ndarray:
    shifted = np.exp(scores - scores.max(-1, keepdims=True))
    found: np.ndarray = shifted / shifted.sum(-1, keepdims=True)
    return found
