"""The head `sequence-classification`: dropout and a linear layer on the pooled text.

Shapes: B rows, H hidden size, C classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  the name torch's own documentation uses

from mtlkit.builtin.heads.label_set import IGNORED, LabelSet
from mtlkit.builtin.heads.options import SequenceClassification
from mtlkit.builtin.metrics.accuracy import accuracy
from mtlkit.builtin.metrics.f1 import macro_f1
from mtlkit.contracts.backbone import Features
from mtlkit.contracts.data import Record
from mtlkit.contracts.head import HeadContext, LossTerm, Measure
from mtlkit.errors import RecipeError


class SequenceClassificationHead(nn.Module):
    """A classifier of texts, or of pairs of texts encoded together.

    Raises:
        RecipeError: when there are no classes, or a class weight names none of them.
    """

    needs: Literal["pooled"] = "pooled"
    weights: Tensor

    def __init__(self, options: SequenceClassification, context: HeadContext) -> None:
        super().__init__()
        self.options, self.pooling = options, options.pooling
        columns = (options.text,) if isinstance(options.text, str) else options.text
        self.views: tuple[tuple[str, ...], ...] = (tuple(columns),)
        self.labels = LabelSet.of(options.labels, options.label, context)
        if problems := self.labels.unknown_weights(options.class_weights):
            raise RecipeError(problems)
        weights = [options.class_weights.get(name, 1.0) for name in self.labels.names]
        self.register_buffer("weights", torch.tensor(weights), persistent=False)
        size = context.hidden_size
        self.hidden = nn.Linear(size, options.hidden) if options.hidden else None
        self.classifier = nn.Linear(options.hidden or size, len(self.labels.names))
        self.dropout = nn.Dropout(options.dropout)

    def targets(self, rows: Sequence[Record]) -> Tensor:
        """Class numbers [B]; -100 where the label is missing.

        Raises:
            RecipeError: when a label is not in the head's label set.
        """
        label, column = self.options.label, self.views[0][0]
        numbers = [self.labels.number(row.get(label), row.get(column)) for row in rows]
        return torch.tensor(numbers, dtype=torch.long)

    def count(self, targets: Tensor) -> float:
        """The labelled rows, each counted with the weight of its class (as torch's weighted mean does)."""
        return float(self.weights.to(targets.device)[targets[targets != IGNORED]].sum())

    def forward(self, features: Sequence[Features]) -> Tensor:
        """Scores [B, C] of the pooled text."""
        pooled = features[0].pooled
        if pooled is None:
            raise TypeError("sequence-classification needs pooled features")
        hidden = self.dropout(pooled)
        if self.hidden is not None:
            hidden = self.dropout(F.gelu(self.hidden(hidden)))
        scores: Tensor = self.classifier(hidden)
        return scores

    def loss(self, output: Tensor, targets: Tensor) -> LossTerm:
        """Cross-entropy, with label smoothing (Szegedy et al. 2016, section 7) and class weights."""
        scores = output.to(torch.promote_types(output.dtype, torch.float32))
        total = F.cross_entropy(
            scores,
            targets,
            weight=self.weights.to(scores) if self.options.class_weights else None,
            ignore_index=IGNORED,
            reduction="sum",
            label_smoothing=self.options.label_smoothing,
        )
        return LossTerm(total, self.count(targets))

    def decode(self, output: Tensor) -> list[str]:
        """The label with the highest score, for each row."""
        return [self.labels.names[number] for number in output.argmax(-1).tolist()]

    def metrics(self, predictions: Sequence[str], rows: Sequence[Record]) -> tuple[Measure, ...]:
        """Accuracy and macro F1 over the labelled rows."""
        cells = [row.get(self.options.label) for row in rows]
        known = [place for place, cell in enumerate(cells) if cell is not None and cell != ""]
        if not known:
            return ()
        predicted, gold = [predictions[place] for place in known], [str(cells[place]) for place in known]
        return accuracy(predicted, gold), macro_f1(predicted, gold)
