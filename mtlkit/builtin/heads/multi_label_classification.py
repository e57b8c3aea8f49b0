"""The head `multi-label-classification`: a yes or no for each label.

Shapes: B rows, C labels, N training rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import nan

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  the name torch's own documentation uses

from mtlkit.builtin.heads.label_options import MultiLabelClassification
from mtlkit.builtin.heads.label_set import IGNORED, LabelSet
from mtlkit.builtin.heads.text_reader import TextReader
from mtlkit.builtin.heads.tower import Tower
from mtlkit.builtin.metrics.choice import of_labels
from mtlkit.contracts.backbone import Features
from mtlkit.contracts.data import Record, Value
from mtlkit.contracts.head import HeadContext, LossTerm, Measure
from mtlkit.contracts.scored import ScoredLabels
from mtlkit.errors import DataError, RecipeError

FLAGS = {"1": 1.0, "1.0": 1.0, "true": 1.0, "0": 0.0, "0.0": 0.0, "false": 0.0}


class MultiLabelClassificationHead(nn.Module):
    """A classifier that gives a text any number of labels.

    With the threshold "tune" it has a `fit`, which sets the threshold of each label to what gives that label
    the best F1 on the training rows. No row of another split is looked at; but the scores of rows that were
    learned from are surer than those of others, so a threshold may come out too high after many epochs.

    Raises:
        RecipeError: when there are no labels, a class weight names none of them, or a layer is none of the
            backbone's.
    """

    weights: Tensor
    thresholds: Tensor

    def __init__(self, options: MultiLabelClassification, context: HeadContext) -> None:
        super().__init__()
        self.options, self.views, self.task = options, options.views(), context.task
        self.reader = TextReader(options.pooling, options.layers, context)
        self.needs, self.pooling, self.layers = self.reader.needs, self.reader.pooling, self.reader.depths
        self.labels = LabelSet.of(options.flags or options.labels, options.label, context)
        names = self.labels.names
        if problems := self.labels.unknown_weights(options.class_weights):
            raise RecipeError(problems)
        self.tower = Tower(options, self.reader.size, len(names))
        weights = torch.tensor([options.class_weights.get(name, 1.0) for name in names])
        self.register_buffer("weights", weights, persistent=False)
        tuned = options.threshold == "tune"
        start = 0.5 if options.threshold == "tune" else options.threshold
        self.register_buffer("thresholds", torch.full((len(names),), start), persistent=tuned)
        if tuned:
            self.fit = self._tune

    def targets(self, rows: Sequence[Record]) -> Tensor:
        """Which labels hold [B, C]: 1 or 0, NaN where it is not known.

        Raises:
            RecipeError: when a label is not in the head's label set.
            DataError: when a flag is neither 1 nor 0.
        """
        read = self._flags if self.options.flags else self._listed
        table = [read(row) for row in rows]
        return torch.tensor(table, dtype=torch.float32).reshape(len(rows), len(self.labels.names))

    def count(self, targets: Tensor) -> float:
        """The labels that are known to hold or not, each counted with its weight."""
        return float((~targets.isnan() * self.weights.to(targets)).sum())

    def forward(self, features: Sequence[Features]) -> Tensor:
        """Scores [B, C], the logarithm of the odds of each label."""
        scores: Tensor = self.tower(self.reader(features[0]))
        return scores

    def loss(self, output: Tensor, targets: Tensor) -> LossTerm:
        """Binary cross-entropy of each known label; smoothing moves 1 and 0 towards one half."""
        scores = output.to(torch.promote_types(output.dtype, torch.float32))
        known = ~targets.isnan()
        smoothing = self.options.label_smoothing
        wanted = targets.to(scores) * (1 - smoothing) + smoothing / 2
        weights = self.weights.to(scores).expand_as(scores)[known]
        total = F.binary_cross_entropy_with_logits(scores[known], wanted[known], weights, reduction="sum")
        return LossTerm(total, self.count(targets))

    def decode(self, output: Tensor) -> list[ScoredLabels]:
        """The labels that are at least as likely as their thresholds, with how likely each is."""
        names = self.labels.names
        likely = output.sigmoid()
        chosen = (likely >= self.thresholds.to(likely)).tolist()
        return [
            ScoredLabels(
                [name for name, yes in zip(names, row, strict=True) if yes],
                dict(zip(names, each, strict=True)),
            )
            for row, each in zip(chosen, likely.tolist(), strict=True)
        ]

    def metrics(self, predictions: Sequence[Sequence[str]], rows: Sequence[Record]) -> tuple[Measure, ...]:
        """The metrics chosen, over the rows of which at least one label is known."""
        names = self._all_names(rows)
        gold = np.asarray([self._gold(row, names) for row in rows], np.float64).reshape(len(rows), len(names))
        known = np.flatnonzero(~np.isnan(gold).all(1)).tolist()
        if not known:
            return ()
        mine = [predictions[place] for place in known]
        predicted = np.asarray([[float(name in each) for name in names] for each in mine])
        scores = np.asarray([_scores(each, names) for each in mine])
        return of_labels(self.options.metrics(), scores, predicted, gold[known])

    def _tune(self, features: Sequence[Features], rows: Sequence[Record]) -> None:
        """Set the thresholds by the training rows (`Head.fit`)."""
        with torch.no_grad():
            likely = self.forward(features).float().sigmoid().cpu().numpy()
            found = best_thresholds(likely, self.targets(rows).numpy())
            self.thresholds.copy_(torch.from_numpy(found))

    def _listed(self, row: Record) -> list[float]:
        text = row.get(self.views[0][0])
        numbers = {self.labels.number(each, text) for each in self._parts(row.get(self.options.label))}
        if numbers == {IGNORED}:
            return [nan] * len(self.labels.names)
        return [float(number in numbers) for number in range(len(self.labels.names))]

    def _flags(self, row: Record) -> list[float]:
        return [self._flag(name, row.get(name)) for name in self.options.flags]

    def _flag(self, column: str, cell: Value) -> float:
        if cell is None or cell == "":
            return nan
        try:
            return FLAGS[str(cell).lower()]
        except KeyError:
            message = f"task {self.task!r}: the column {column!r} holds {cell!r}"
            raise DataError(message, "a flag is 1 or 0, true or false") from None

    def _parts(self, cell: Value) -> list[Value]:
        return label_parts(cell, self.options.separator)

    def _all_names(self, rows: Sequence[Record]) -> list[str]:
        """The labels of the head, then those that only these rows have."""
        if self.options.flags:
            return list(self.labels.names)
        cells = (row.get(self.options.label) for row in rows)
        found = {str(part) for cell in cells for part in self._parts(cell) if part is not None and part != ""}
        return [*self.labels.names, *sorted(found - {*self.labels.names})]

    def _gold(self, row: Record, names: Sequence[str]) -> list[float]:
        if self.options.flags:
            return self._flags(row)
        parts = self._parts(row.get(self.options.label))
        there = {str(part) for part in parts if part is not None and part != ""}
        missing = bool(parts) and not there
        return [nan if missing else float(name in there) for name in names]


def label_parts(cell: Value, separator: str) -> list[Value]:
    """The labels in a cell: the elements of a list, the parts of a text; none in a list without any."""
    if isinstance(cell, list | tuple):
        return list(cell)
    if separator and isinstance(cell, str):
        return list(cell.split(separator))
    return [cell]


def best_thresholds(likely: np.ndarray, gold: np.ndarray) -> np.ndarray:
    """For each label, what gives it the best F1 on rows: `likely` and `gold` [N, C], NaN not known.

    Half way to the next less likely row; of several, the one nearest to one half. A label that no row has
    keeps one half.
    """
    found = np.full(likely.shape[1], 0.5, np.float32)
    for label in range(likely.shape[1]):
        known = ~np.isnan(gold[:, label])
        right = gold[known, label] == 1
        if right.any():
            found[label] = _best_threshold(likely[known, label].astype(np.float64), right)
    return found


def _best_threshold(likely: np.ndarray, right: np.ndarray) -> float:
    order = np.argsort(-likely, kind="stable")
    falling, hits = likely[order], right[order].cumsum()
    ends = np.flatnonzero(np.append(falling[1:] != falling[:-1], True))  # equal ones stand or fall together
    f1 = 2 * hits[ends] / (ends + 1 + right.sum())
    between = (falling[ends] + np.append(falling[ends][1:], 0.0)) / 2
    best = between[f1 >= f1.max() - 1e-12]
    return float(best[np.abs(best - 0.5).argmin()])


def _scores(prediction: Sequence[str], names: Sequence[str]) -> list[float]:
    scores = getattr(prediction, "scores", None) or dict.fromkeys(prediction, 1.0)
    return [float(scores.get(name, 0.0)) for name in names]
