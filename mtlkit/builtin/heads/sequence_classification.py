"""The heads `sequence-classification` and `image-classification`: a tower on the vector of a row.

Shapes: B rows, H hidden size, C classes.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from mtlkit.builtin.heads.class_options import ImageClassification, SequenceClassification
from mtlkit.builtin.heads.classes import Classes
from mtlkit.builtin.heads.text_reader import TextReader
from mtlkit.builtin.heads.tower import Tower
from mtlkit.contracts.backbone import Features
from mtlkit.contracts.data import Record
from mtlkit.contracts.head import HeadContext, LossTerm, Measure


class SequenceClassificationHead(nn.Module):
    """A classifier of texts, of pairs of texts encoded together, or of images.

    Raises:
        RecipeError: when there are no classes, a class weight names none of them, or a layer is none of the
            backbone's.
    """

    def __init__(self, options: SequenceClassification | ImageClassification, context: HeadContext) -> None:
        super().__init__()
        self.options, self.views = options, options.views()
        self.reader = TextReader(options.pooling, options.layers, context)
        self.needs, self.pooling, self.layers = self.reader.needs, self.reader.pooling, self.reader.depths
        self.classes = Classes(options, context)
        self.tower = Tower(options, self.reader.size, len(self.classes.labels.names))

    def targets(self, rows: Sequence[Record]) -> Tensor:
        """Class numbers [B]; -100 where the label is missing.

        Raises:
            RecipeError: when a label is not in the head's label set.
        """
        return self.classes.targets(rows, self.views[0][0])

    def count(self, targets: Tensor) -> float:
        """The labelled rows, each counted with the weight of its class."""
        return self.classes.count(targets)

    def forward(self, features: Sequence[Features]) -> Tensor:
        """Scores [B, C] of the rows."""
        scores: Tensor = self.tower(self.reader(features[0]))
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
