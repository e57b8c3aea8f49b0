"""The head `ordinal`: levels in order, as the steps between them.

Shapes: B rows, K levels, so K - 1 steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import e, log

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  the name torch's own documentation uses

from mtlkit.builtin.heads.label_options import Ordinal
from mtlkit.builtin.heads.label_set import IGNORED, LabelSet
from mtlkit.builtin.heads.text_reader import TextReader
from mtlkit.builtin.heads.tower import Tower
from mtlkit.builtin.metrics.choice import of_ordered
from mtlkit.contracts.backbone import Features
from mtlkit.contracts.data import Record
from mtlkit.contracts.head import HeadContext, LossTerm, Measure
from mtlkit.errors import Problem, RecipeError


class FallingBiases(nn.Module):
    """The biases of CORAL's steps, b_1 ≥ b_2 ≥ …: the first, and how far each falls below the one before.

    Cao et al. 2019, theorem 1, show that the best biases fall; here they cannot do otherwise, so the steps
    are consistent at any time. They start one apart, around 0.
    """

    def __init__(self, steps: int) -> None:
        super().__init__()
        self.first = nn.Parameter(torch.tensor([(steps - 1) / 2]))
        self.falls = nn.Parameter(torch.full((steps - 1,), log(e - 1))) if steps > 1 else None

    def forward(self) -> Tensor:
        """The biases [K - 1]."""
        if self.falls is None:
            return self.first
        return torch.cat([self.first, self.first - F.softplus(self.falls).cumsum(0)])


class OrdinalHead(nn.Module):
    """A classifier of ordered levels, by CORAL (Cao et al. 2019) or CORN (Shi et al. 2021).

    Raises:
        RecipeError: when the levels have no order, there are fewer than two, or a layer is none of the
            backbone's.
    """

    def __init__(self, options: Ordinal, context: HeadContext) -> None:
        super().__init__()
        self.options, self.views = options, options.views()
        self.reader = TextReader(options.pooling, options.layers, context)
        self.needs, self.pooling, self.layers = self.reader.needs, self.reader.pooling, self.reader.depths
        listed = options.labels or in_order(context)
        self.labels = LabelSet.of(listed, options.label, context)
        steps = len(self.labels.names) - 1
        if steps < 1:
            message = f"the only level is {self.labels.names[0]!r}"
            raise RecipeError(Problem(message, "list two or more", f"tasks.{context.task}.head.labels"))
        coral = options.method == "coral"
        self.biases = FallingBiases(steps) if coral else None
        self.tower = Tower(options, self.reader.size, 1 if coral else steps, bias=not coral)

    def targets(self, rows: Sequence[Record]) -> Tensor:
        """Numbers of the levels [B]; -100 where the label is missing.

        Raises:
            RecipeError: when a label is none of the levels.
        """
        text = self.views[0][0]
        numbers = [self.labels.number(row.get(self.options.label), row.get(text)) for row in rows]
        return torch.tensor(numbers, dtype=torch.long)

    def count(self, targets: Tensor) -> float:
        """CORAL: the labelled rows; CORN: the steps that they are asked about, as in Shi et al. 2021."""
        known = targets[targets != IGNORED]
        if self.options.method == "coral":
            return float(len(known))
        return float((known + 1).clamp(max=len(self.labels.names) - 1).sum())

    def forward(self, features: Sequence[Features]) -> Tensor:
        """Scores [B, K - 1]: the log-odds of being above each level, for CORN given the one below."""
        scores: Tensor = self.tower(self.reader(features[0]))
        return scores if self.biases is None else scores + self.biases()

    def loss(self, output: Tensor, targets: Tensor) -> LossTerm:
        """The loss of the method, summed over the labelled rows."""
        known = targets != IGNORED
        scores = output[known].to(torch.promote_types(output.dtype, torch.float32))
        loss = coral_loss if self.options.method == "coral" else corn_loss
        return LossTerm(loss(scores, targets[known]), self.count(targets))

    def decode(self, output: Tensor) -> list[str]:
        """The level above as many steps as are more likely than not."""
        above = output.sigmoid()
        if self.options.method == "corn":
            above = above.cumprod(-1)
        return [self.labels.names[number] for number in (above > 0.5).sum(-1).tolist()]

    def metrics(self, predictions: Sequence[str], rows: Sequence[Record]) -> tuple[Measure, ...]:
        """The metrics chosen, over the labelled rows; a level that training had not counts as above all."""
        cells = [row.get(self.options.label) for row in rows]
        known = [place for place, cell in enumerate(cells) if cell is not None and cell != ""]
        if not known:
            return ()
        predicted, gold = [predictions[place] for place in known], [str(cells[place]) for place in known]
        others = sorted({*gold} - {*self.labels.names})
        return of_ordered(self.options.metrics(), predicted, gold, [*self.labels.names, *others])


def coral_loss(scores: Tensor, levels: Tensor) -> Tensor:
    """-Σ over rows and steps k of log σ(score_k) where the level is above k, else log(1 - σ(score_k)).

    Cao et al. 2019, arXiv:1901.07884, all steps of one importance. `scores` [B, K - 1], `levels` [B].
    """
    steps = torch.arange(scores.shape[1], device=scores.device)
    above = (levels[:, None] > steps).to(scores)
    return F.binary_cross_entropy_with_logits(scores, above, reduction="sum")


def corn_loss(scores: Tensor, levels: Tensor) -> Tensor:
    """As CORAL's, but a row is asked about step k only where its level is at least k.

    Shi et al. 2021, arXiv:2111.08851. `scores` [B, K - 1], `levels` [B].
    """
    steps = torch.arange(scores.shape[1], device=scores.device)
    asked = levels[:, None] >= steps
    above = (levels[:, None] > steps).to(scores)
    return F.binary_cross_entropy_with_logits(scores[asked], above[asked], reduction="sum")


def in_order(context: HeadContext) -> tuple[str, ...]:
    """The labels of the training rows in the order of numbers.

    Raises:
        RecipeError: when they are not all numbers, and so have no order of their own.
    """
    try:
        return tuple(sorted(context.labels, key=float))
    except ValueError as error:
        message = f"the labels {', '.join(map(repr, context.labels[:4]))} have no order of their own"
        advice = "list the levels, lowest first"
        raise RecipeError(Problem(message, advice, f"tasks.{context.task}.head.labels")) from error
