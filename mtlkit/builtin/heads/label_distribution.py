"""The head `label-distribution`: a probability of each label.

Shapes: B rows, C labels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import log, nan

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  the name torch's own documentation uses

from mtlkit.builtin.heads.cells import number_in
from mtlkit.builtin.heads.label_options import Divergence, LabelDistribution
from mtlkit.builtin.heads.label_set import LabelSet
from mtlkit.builtin.heads.text_reader import TextReader
from mtlkit.builtin.heads.tower import Tower
from mtlkit.builtin.metrics.distributions import js_divergence, kl_divergence, top_accuracy
from mtlkit.contracts.backbone import Features
from mtlkit.contracts.data import Record
from mtlkit.contracts.head import HeadContext, LossTerm, Measure
from mtlkit.errors import DataError

MEASURES: Mapping[str, Callable[[np.ndarray, np.ndarray], Measure]] = {
    "kl-divergence": kl_divergence,
    "js-divergence": js_divergence,
    "top-accuracy": top_accuracy,
}


class LabelDistributionHead(nn.Module):
    """Learns what share of people gives each label (Peterson et al. 2019; Fornaciari et al. 2021).

    Raises:
        RecipeError: when there are no labels, or a layer is none of the backbone's.
    """

    def __init__(self, options: LabelDistribution, context: HeadContext) -> None:
        super().__init__()
        self.options, self.views, self.task = options, options.views(), context.task
        self.reader = TextReader(options.pooling, options.layers, context)
        self.needs, self.pooling, self.layers = self.reader.needs, self.reader.pooling, self.reader.depths
        self.labels = LabelSet.of(options.shares or options.labels, options.label, context)
        self.tower = Tower(options, self.reader.size, len(self.labels.names))

    def targets(self, rows: Sequence[Record]) -> Tensor:
        """Probabilities [B, C]; NaN in rows without label. A share that is missing is 0 where others are not.

        Raises:
            RecipeError: when a label is not in the head's label set.
            DataError: when a share is no number or below 0, or all of a row are 0.
        """
        return torch.from_numpy(self._gold(rows)).float()

    def count(self, targets: Tensor) -> float:
        """The labelled rows."""
        return float((~targets.isnan().any(-1)).sum())

    def forward(self, features: Sequence[Features]) -> Tensor:
        """Scores [B, C], the logarithms of probabilities up to a constant."""
        scores: Tensor = self.tower(self.reader(features[0]))
        return scores

    def loss(self, output: Tensor, targets: Tensor) -> LossTerm:
        """The divergence of the prediction from the data, summed over the labelled rows, in nats."""
        known = ~targets.isnan().any(-1)
        scores = output[known].to(torch.promote_types(output.dtype, torch.float32))
        total = divergence(targets[known].to(scores), scores.log_softmax(-1), self.options.divergence)
        return LossTerm(total, self.count(targets))

    def decode(self, output: Tensor) -> list[dict[str, float]]:
        """The probability of each label, by name."""
        names = self.labels.names
        return [dict(zip(names, row, strict=True)) for row in output.double().softmax(-1).tolist()]

    def metrics(
        self, predictions: Sequence[Mapping[str, float]], rows: Sequence[Record]
    ) -> tuple[Measure, ...]:
        """The metrics chosen, over the labelled rows; votes for a label that is new count nothing."""
        gold = self._gold(rows, strict=False)
        known = np.flatnonzero(~np.isnan(gold).any(-1)).tolist()
        if not known:
            return ()
        predicted = np.asarray([[predictions[at][name] for name in self.labels.names] for at in known])
        return tuple(MEASURES[name](predicted, gold[known]) for name in self.options.metrics())

    def _gold(self, rows: Sequence[Record], *, strict: bool = True) -> np.ndarray:
        read = self._shares if self.options.shares else self._votes
        table = [read(row, strict) for row in rows]
        return np.asarray(table, np.float64).reshape(len(rows), len(self.labels.names))

    def _votes(self, row: Record, strict: bool) -> list[float]:
        cell = row.get(self.options.label)
        given = list(cell) if isinstance(cell, list | tuple) else [cell]
        if not strict:
            given = [each for each in given if str(each) in self.labels.names]
        text = row.get(self.views[0][0])
        numbers = [self.labels.number(each, text) for each in given]
        return _scaled([float(numbers.count(number)) for number in range(len(self.labels.names))], nan)

    def _shares(self, row: Record, strict: bool) -> list[float]:
        shares = [number_in(row.get(name), name, self.task) for name in self.options.shares]
        if all(map(np.isnan, shares)):
            return shares
        wanted = [0.0 if np.isnan(share) else share for share in shares]
        if min(wanted) < 0 or not any(wanted):
            message = (
                f"task {self.task!r}: {dict(zip(self.options.shares, wanted, strict=True))} are no shares"
            )
            raise DataError(message, "shares are 0 or more, and at least one of a row is above 0")
        return _scaled(wanted, nan)


def divergence(wanted: Tensor, logs: Tensor, kind: Divergence) -> Tensor:
    """Of probabilities `wanted` [B, C] and logarithms of probabilities `logs` [B, C], summed over rows.

    `kl` is Σ w · log(w / p), `cross-entropy` -Σ w · log p, `js` ½ KL(w ‖ m) + ½ KL(p ‖ m) with
    m = (w + p) / 2 (Lin 1991).
    """
    if kind == "cross-entropy":
        return -(wanted * logs).sum()
    if kind == "kl":
        return F.kl_div(logs, wanted, reduction="sum")
    middle = torch.logaddexp(wanted.log(), logs) - log(2)
    ours = F.kl_div(middle, logs, reduction="sum", log_target=True)
    return (F.kl_div(middle, wanted, reduction="sum") + ours) / 2


def _scaled(numbers: list[float], none: float) -> list[float]:
    """The numbers divided by their sum; `none` in place of each where that is 0."""
    total = sum(numbers)
    return [number / total if total else none for number in numbers]
