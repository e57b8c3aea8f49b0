"""The head `probe`: a linear model, fitted to the vectors of all training rows before each evaluation.

Shapes: B rows, N training rows, D size of a vector, K classes, or 1 for a number.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  the name torch's own documentation uses

from mtlkit.builtin.heads.cells import number_in
from mtlkit.builtin.heads.label_set import IGNORED, LabelSet
from mtlkit.builtin.heads.linear_fit import Line, logistic, ridge, scales
from mtlkit.builtin.heads.probe_options import Probe
from mtlkit.builtin.heads.text_reader import TextReader
from mtlkit.builtin.metrics.choice import of_classes, of_numbers
from mtlkit.builtin.metrics.names import ClassMetric, NumberMetric
from mtlkit.contracts.backbone import Features
from mtlkit.contracts.data import Record
from mtlkit.contracts.head import HeadContext, LossTerm, Measure
from mtlkit.contracts.scored import ScoredLabel


class ProbeHead(nn.Module):
    """Asks what is in the vectors (Alain and Bengio 2017) and changes nothing: it sends no gradient back.

    It has no weights but two buffers, 0 until `fit` is called; so its loss tells how the model of the last
    evaluation does on the rows of a step.

    Raises:
        RecipeError: when there are no classes, or a layer is none of the backbone's.
    """

    weight: Tensor
    bias: Tensor

    def __init__(self, options: Probe, context: HeadContext) -> None:
        super().__init__()
        self.options, self.views, self.task = options, options.views(), context.task
        self.reader = TextReader(options.pooling, options.layers, context)
        self.needs, self.pooling, self.layers = self.reader.needs, self.reader.pooling, self.reader.depths
        classes = options.predicts == "class"
        self.labels = LabelSet.of(options.labels, options.label, context) if classes else None
        outputs = len(self.labels.names) if self.labels else 1
        self.register_buffer("weight", torch.zeros(outputs, self.reader.size))
        self.register_buffer("bias", torch.zeros(outputs))

    def targets(self, rows: Sequence[Record]) -> Tensor:
        """Class numbers [B], -100 missing; or numbers [B], NaN missing.

        Raises:
            RecipeError: when a label is not in the head's label set.
            DataError: when a number is none.
        """
        cells = [row.get(self.options.label) for row in rows]
        if self.labels is None:
            numbers = [number_in(cell, self.options.label, self.task) for cell in cells]
            return torch.tensor(numbers, dtype=torch.float32)
        text = self.views[0][0]
        found = [self.labels.number(cell, row.get(text)) for cell, row in zip(cells, rows, strict=True)]
        return torch.tensor(found, dtype=torch.long)

    def count(self, targets: Tensor) -> float:
        """The labelled rows."""
        return float(_known(targets).sum())

    def forward(self, features: Sequence[Features]) -> Tensor:
        """Scores [B, K], without gradient."""
        vectors = self.reader(features[0]).detach()
        return F.linear(vectors, self.weight.to(vectors), self.bias.to(vectors))

    def loss(self, output: Tensor, targets: Tensor) -> LossTerm:
        """Cross-entropy, or the squared error of numbers and of ridge's -1 and 1, without gradient."""
        known = _known(targets)
        scores = output[known].to(torch.promote_types(output.dtype, torch.float32))
        wanted = targets[known]
        if self.labels is None:
            total = F.mse_loss(scores[:, 0], wanted.to(scores), reduction="sum")
        elif self.options.solver == "ridge":
            total = F.mse_loss(scores, _signs(wanted, scores.shape[1]).to(scores), reduction="sum")
        else:
            total = F.cross_entropy(scores, wanted, reduction="sum")
        return LossTerm(total, float(known.sum()))

    def decode(self, output: Tensor) -> list[Any]:
        """The label with the highest score, with the scores; or the number."""
        if self.labels is None:
            return output[:, 0].double().tolist()
        names = self.labels.names
        scores = output.float().softmax(-1) if self.options.solver == "logistic" else output
        return [
            ScoredLabel(names[number], dict(zip(names, each, strict=True)))
            for number, each in zip(output.argmax(-1).tolist(), scores.tolist(), strict=True)
        ]

    def metrics(self, predictions: Sequence[Any], rows: Sequence[Record]) -> tuple[Measure, ...]:
        """The metrics chosen, over the labelled rows."""
        cells = [row.get(self.options.label) for row in rows]
        known = [place for place, cell in enumerate(cells) if cell is not None and cell != ""]
        if not known:
            return ()
        mine, chosen = [predictions[place] for place in known], self.options.metrics()
        if self.labels is not None:
            gold = [str(cells[place]) for place in known]
            return of_classes(cast(Sequence[ClassMetric], chosen), mine, gold, self.labels.names)
        numbers = np.asarray([number_in(cells[place], self.options.label, self.task) for place in known])
        return of_numbers(cast(Sequence[NumberMetric], chosen), np.asarray(mine, np.float64), numbers)

    def fit(self, features: Sequence[Features], rows: Sequence[Record]) -> None:
        """Fit the linear model to the labelled ones of all training rows; the same rows, the same model."""
        targets = self.targets(rows)
        known = _known(targets)
        if not known.any():
            return
        with torch.no_grad():
            vectors = self.reader(features[0])[known.to(self.weight.device)].double().cpu().numpy()
        line = self._line(vectors, targets[known])
        self.weight.copy_(torch.from_numpy(line.weight))
        self.bias.copy_(torch.from_numpy(line.bias))

    def _line(self, vectors: np.ndarray, wanted: Tensor) -> Line:
        size = vectors.shape[1]
        mean, spread = scales(vectors) if self.options.standardize else (np.zeros(size), np.ones(size))
        scaled, strength = (vectors - mean) / spread, self.options.strength
        if self.labels is None:
            line = ridge(scaled, wanted.double().numpy()[:, None], strength)
        elif self.options.solver == "ridge":
            line = ridge(scaled, _signs(wanted, len(self.labels.names)).double().numpy(), strength)
        else:
            line = logistic(scaled, wanted.numpy(), len(self.labels.names), strength)
        return line.of_raw(mean, spread)


def _known(targets: Tensor) -> Tensor:
    return ~targets.isnan() if targets.is_floating_point() else targets != IGNORED


def _signs(numbers: Tensor, classes: int) -> Tensor:
    """1 for the class of a row, -1 for the others [B, K]: what ridge classifiers are fitted to."""
    return 2 * F.one_hot(numbers, classes) - 1
