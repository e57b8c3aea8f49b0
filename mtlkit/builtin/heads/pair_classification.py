"""The head `pair-classification`: two texts in one encoding, or the vectors of both combined.

Shapes: B rows, D size of a vector, C classes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn

from mtlkit.builtin.heads.class_options import Combination, PairClassification
from mtlkit.builtin.heads.classes import Classes
from mtlkit.builtin.heads.text_reader import TextReader
from mtlkit.builtin.heads.tower import Tower
from mtlkit.contracts.backbone import Features
from mtlkit.contracts.data import Record
from mtlkit.contracts.head import HeadContext, LossTerm, Measure

COMBINATIONS: Mapping[Combination, Callable[[Tensor, Tensor], Tensor]] = {
    "concat": lambda first, second: torch.cat([first, second], -1),
    "difference": lambda first, second: (first - second).abs(),
    "product": lambda first, second: first * second,
}
WIDTHS: Mapping[Combination, int] = {"concat": 2, "difference": 1, "product": 1}


class PairClassificationHead(nn.Module):
    """A classifier of pairs: a cross-encoder (Devlin et al. 2019) or a bi-encoder.

    The bi-encoder reads both texts with the same weights and joins u and v as Conneau et al. 2017, section
    3.1, do ([u; v; |u - v|; u · v]) or Reimers and Gurevych 2019, section 3 ([u; v; |u - v|]).

    Raises:
        RecipeError: when there are no classes, a class weight names none of them, or a layer is none of the
            backbone's.
    """

    def __init__(self, options: PairClassification, context: HeadContext) -> None:
        super().__init__()
        self.options, self.views = options, options.views()
        self.reader = TextReader(options.pooling, options.layers, context)
        self.needs, self.pooling, self.layers = self.reader.needs, self.reader.pooling, self.reader.depths
        self.classes = Classes(options, context)
        times = 1 if options.encoder == "cross" else sum(WIDTHS[mode] for mode in options.combine)
        self.tower = Tower(options, self.reader.size * times, len(self.classes.labels.names))

    def targets(self, rows: Sequence[Record]) -> Tensor:
        """Class numbers [B]; -100 where the label is missing.

        Raises:
            RecipeError: when a label is not in the head's label set.
        """
        return self.classes.targets(rows, self.options.first)

    def count(self, targets: Tensor) -> float:
        """The labelled rows, each counted with the weight of its class."""
        return self.classes.count(targets)

    def forward(self, features: Sequence[Features]) -> Tensor:
        """Scores [B, C] of the pairs."""
        vectors: Tensor = self.reader(features[0])
        if self.options.encoder == "bi":
            vectors = combined(vectors, self.reader(features[1]), self.options.combine)
        scores: Tensor = self.tower(vectors)
        return scores

    def loss(self, output: Tensor, targets: Tensor) -> LossTerm:
        """Cross-entropy, summed over the labelled rows."""
        return self.classes.loss(output, targets)

    def decode(self, output: Tensor) -> list[str]:
        """The label with the highest score, for each row."""
        return self.classes.decode(output)

    def metrics(self, predictions: Sequence[str], rows: Sequence[Record]) -> tuple[Measure, ...]:
        """The metrics chosen, over the labelled rows."""
        return self.classes.metrics(predictions, rows)


def combined(first: Tensor, second: Tensor, modes: Sequence[Combination]) -> Tensor:
    """What the modes make of two vectors [B, D], side by side."""
    return torch.cat([COMBINATIONS[mode](first, second) for mode in modes], -1)
