"""The head `prototype`: the class whose prototype is nearest.

Shapes: B rows, D size of a vector, C classes.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  the name torch's own documentation uses

from mtlkit.builtin.heads.label_set import IGNORED, LabelSet
from mtlkit.builtin.heads.probe_options import Prototype
from mtlkit.builtin.heads.text_reader import TextReader
from mtlkit.builtin.metrics.choice import of_classes
from mtlkit.contracts.backbone import Features
from mtlkit.contracts.columns import meant
from mtlkit.contracts.data import Record
from mtlkit.contracts.head import HeadContext, LossTerm, Measure
from mtlkit.contracts.scored import ScoredLabel
from mtlkit.errors import Problem, RecipeError

UNKNOWN = float("-inf")


class PrototypeHead(nn.Module):
    """Learned prototypes, prototypical networks (Snell et al. 2017), or label texts (Chang et al. 2008).

    With "means" the prototype of a class is the mean vector of its rows. In training these are the other
    rows of the step (each row is a query, the rest its support), so the loss is `batch_coupled` and a row
    that is alone in its class is not learned from. Before each evaluation `fit` takes the means over all
    training rows. Its scores are the vectors then, for what they are compared with depends on the use.
    With "label-text" it is the vector of a text that says what the label means, from the same backbone.

    Raises:
        RecipeError: when there are no classes, a label text is of no class, or a layer is none of the
            backbone's.
    """

    means: Tensor
    seen: Tensor

    def __init__(self, options: Prototype, context: HeadContext) -> None:
        super().__init__()
        self.options, self.views = options, options.views()
        self.reader = TextReader(options.pooling, options.layers, context)
        self.needs, self.pooling, self.layers = self.reader.needs, self.reader.pooling, self.reader.depths
        self.labels = LabelSet.of(options.labels, options.label, context)
        size, classes = options.dim or self.reader.size, len(self.labels.names)
        self.projection = nn.Linear(self.reader.size, options.dim) if options.dim else None
        self.batch_coupled = self.whole_step = options.prototypes == "means"
        self.prototypes = None
        self.texts: tuple[tuple[str, ...], ...] = ()
        if options.prototypes == "label-text":
            self.texts = self._label_texts(context.task)
        elif self.batch_coupled:
            self.register_buffer("means", torch.zeros(classes, size))
            self.register_buffer("seen", torch.zeros(classes))
            self.fit = self._take_means
        else:
            self.prototypes = nn.Parameter(torch.randn(classes, size) * size**-0.5)

    def targets(self, rows: Sequence[Record]) -> Tensor:
        """Class numbers [B]; -100 where the label is missing.

        Raises:
            RecipeError: when a label is not in the head's label set.
        """
        text = self.views[0][0]
        numbers = [self.labels.number(row.get(self.options.label), row.get(text)) for row in rows]
        return torch.tensor(numbers, dtype=torch.long)

    def count(self, targets: Tensor) -> float:
        """The labelled rows; with means, those that are not alone in their class."""
        return float(self._learned(targets).sum())

    def forward(self, features: Sequence[Features]) -> Tensor:
        """Scores [B, C] of learned prototypes or label texts, else vectors [B, D]."""
        vectors = self._vectors(features[0])
        if self.texts:
            return self._scores(vectors, self._vectors(features[-1]))
        return vectors if self.prototypes is None else self._scores(vectors, self.prototypes)

    def loss(self, output: Tensor, targets: Tensor) -> LossTerm:
        """Cross-entropy of the scores, summed over the rows that are learned from."""
        learned = self._learned(targets)
        wide = output.to(torch.promote_types(output.dtype, torch.float32))
        with torch.autocast(output.device.type, enabled=False):
            scores = self._episode(wide, targets) if self.batch_coupled else wide
            total = F.cross_entropy(scores[learned], targets[learned], reduction="sum")
        return LossTerm(total, self.count(targets))

    def decode(self, output: Tensor) -> list[ScoredLabel]:
        """The class of the nearest prototype, with how likely each is; one that had no rows is never it."""
        if self.batch_coupled:
            output = self._scores(output, self.means.to(output))
            output = output.masked_fill(self.seen.to(output) == 0, UNKNOWN)
        names = self.labels.names
        likely = output.float().softmax(-1).nan_to_num().tolist()  # NaN before anything was fitted
        return [
            ScoredLabel(names[number], dict(zip(names, each, strict=True)))
            for number, each in zip(output.argmax(-1).tolist(), likely, strict=True)
        ]

    def metrics(self, predictions: Sequence[str], rows: Sequence[Record]) -> tuple[Measure, ...]:
        """The metrics chosen, over the labelled rows."""
        cells = [row.get(self.options.label) for row in rows]
        known = [place for place, cell in enumerate(cells) if cell is not None and cell != ""]
        if not known:
            return ()
        predicted, gold = [predictions[place] for place in known], [str(cells[place]) for place in known]
        return of_classes(self.options.metrics(), predicted, gold, self.labels.names)

    def _vectors(self, features: Features) -> Tensor:
        vectors: Tensor = self.reader(features)
        return vectors if self.projection is None else self.projection(vectors)

    def _label_texts(self, task: str) -> tuple[tuple[str, ...], ...]:
        told, names = self.options.label_texts, self.labels.names
        if unknown := sorted(set(told) - set(names)):
            message = f"there is a text for the label {unknown[0]!r}, which the task does not have"
            raise RecipeError(
                Problem(message, meant(unknown[0], names, "its labels are"), f"tasks.{task}.head.label_texts")
            )
        return tuple((told.get(name, name),) for name in names)

    def _learned(self, targets: Tensor) -> Tensor:
        known = targets != IGNORED
        if not self.batch_coupled:
            return known
        return known & ((targets[:, None] == targets[None, :]).sum(1) > 1)

    def _scores(self, vectors: Tensor, prototypes: Tensor) -> Tensor:
        if self.options.distance == "cosine":
            cosines = F.normalize(vectors, dim=-1) @ F.normalize(prototypes, dim=-1).T
            return self.options.scale * cosines
        return -self.options.scale * (vectors[:, None] - prototypes[None, :]).square().sum(-1)

    def _episode(self, vectors: Tensor, targets: Tensor) -> Tensor:
        """Scores [B, C] against the means of the other rows; -inf for a class without other rows."""
        own = F.one_hot(targets.clamp(min=0), len(self.labels.names)) * (targets != IGNORED)[:, None]
        own = own.to(vectors)
        left = own.sum(0)[None, :] - own
        sums = (own.T @ vectors)[None, :, :] - own[:, :, None] * vectors[:, None, :]
        means = sums / left.clamp(min=1).unsqueeze(-1)
        if self.options.distance == "cosine":
            scores = self.options.scale * F.cosine_similarity(vectors[:, None, :], means, dim=-1)
        else:
            scores = -self.options.scale * (vectors[:, None, :] - means).square().sum(-1)
        return scores.masked_fill(left == 0, UNKNOWN)

    def _take_means(self, features: Sequence[Features], rows: Sequence[Record]) -> None:
        """Set the prototypes to the class means over all labelled training rows (`Head.fit`)."""
        targets = self.targets(rows).to(self.means.device)
        known = targets != IGNORED
        with torch.no_grad():
            vectors = self.forward(features)[known].to(self.means)
            own = F.one_hot(targets[known], len(self.labels.names)).to(self.means)
            counts = own.sum(0)
            self.means.copy_(own.T @ vectors / counts.clamp(min=1).unsqueeze(-1))
            self.seen.copy_(counts)
