"""One class for each row: its targets, loss, predictions and metrics, whatever the scores are made of.

Shapes: B rows, C classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  the name torch's own documentation uses

from mtlkit.builtin.heads.label_set import IGNORED, LabelSet
from mtlkit.builtin.heads.option_fields import Weights
from mtlkit.builtin.metrics.choice import of_classes
from mtlkit.builtin.metrics.names import ClassMetric
from mtlkit.contracts.data import Record, Value
from mtlkit.contracts.head import HeadContext, LossTerm, Measure
from mtlkit.contracts.scored import ScoredLabel
from mtlkit.errors import RecipeError


class ClassOptions(Protocol):
    """What is read of the options of a head with classes."""

    @property
    def label(self) -> str:
        """The column of the label."""
        ...

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes in their order, none for those of the training rows."""
        ...

    @property
    def ignore(self) -> tuple[str, ...]:
        """Labels that count as missing."""
        ...

    @property
    def class_weights(self) -> Weights:
        """Weights of classes in the loss."""
        ...

    @property
    def label_smoothing(self) -> float:
        """The share of the target spread evenly."""
        ...

    def metrics(self) -> tuple[ClassMetric, ...]:
        """The metrics that are measured."""
        ...


class Classes(nn.Module):
    """The classes of a head; their weights are a buffer, for the loss is computed where the scores are.

    Raises:
        RecipeError: when there are no classes, or a class weight names none of them.
    """

    weights: Tensor

    def __init__(self, options: ClassOptions, context: HeadContext) -> None:
        super().__init__()
        self.options = options
        self.labels = LabelSet.of(options.labels, options.label, context, options.ignore)
        if problems := self.labels.unknown_weights(options.class_weights):
            raise RecipeError(problems)
        weights = [options.class_weights.get(name, 1.0) for name in self.labels.names]
        self.register_buffer("weights", torch.tensor(weights), persistent=False)

    def targets(self, rows: Sequence[Record], text: str) -> Tensor:
        """Class numbers [B]; -100 where the label is missing. `text` is the column to tell a row by.

        Raises:
            RecipeError: when a label is not in the head's label set.
        """
        cells = [self._known(row) for row in rows]
        numbers = [self.labels.number(cell, row.get(text)) for cell, row in zip(cells, rows, strict=True)]
        return torch.tensor(numbers, dtype=torch.long)

    def count(self, targets: Tensor) -> float:
        """The labelled rows, each counted with the weight of its class (as torch's weighted mean does)."""
        known = targets != IGNORED
        if not self.options.class_weights:
            return float(known.sum())
        return float(self.weights.to(targets.device)[targets[known]].sum())

    def loss(self, output: Tensor, targets: Tensor) -> LossTerm:
        """Cross-entropy, with label smoothing (Szegedy et al. 2016, section 7) and class weights."""
        known = targets != IGNORED
        all_known = bool(known.all())  # then choosing rows, and the gradient through it, is work for nothing
        scores = output if all_known else output[known]
        scores = scores.to(torch.promote_types(output.dtype, torch.float32))
        total = F.cross_entropy(
            scores,
            targets if all_known else targets[known],
            weight=self.weights.to(scores) if self.options.class_weights else None,
            reduction="sum",
            label_smoothing=self.options.label_smoothing,
        )
        count = float(len(targets)) if all_known and not self.options.class_weights else self.count(targets)
        return LossTerm(total, count)

    def decode(self, output: Tensor) -> list[str]:
        """The label with the highest score, for each row, with how likely each label is."""
        names = self.labels.names
        likely = output.float().softmax(-1).tolist()
        best = output.argmax(-1).tolist()
        return [
            ScoredLabel(names[number], dict(zip(names, each, strict=True)))
            for number, each in zip(best, likely, strict=True)
        ]

    def metrics(self, predictions: Sequence[str], rows: Sequence[Record]) -> tuple[Measure, ...]:
        """The metrics chosen, over the labelled rows."""
        cells = [self._known(row) for row in rows]
        known = [place for place, cell in enumerate(cells) if cell is not None and cell != ""]
        if not known:
            return ()
        predicted, gold = [predictions[place] for place in known], [str(cells[place]) for place in known]
        return of_classes(self.options.metrics(), predicted, gold, self.labels.names)

    def _known(self, row: Record) -> Value:
        cell = row.get(self.options.label)
        return None if str(cell) in self.options.ignore else cell
