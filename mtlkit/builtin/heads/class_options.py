"""Options of the heads that give a text, a pair or an image one class; light, without torch."""

from collections.abc import Mapping

from attrs import frozen

from mtlkit.builtin.heads.option_fields import (
    Activation,
    Hidden,
    Layers,
    Share,
    TextPooling,
    Weights,
    activation_field,
    class_weights_field,
    dropout_field,
    hidden_field,
    ignore_field,
    label_smoothing_field,
    labels_field,
    layers_field,
    pooling_field,
)
from mtlkit.contracts.options import option

PAIR = ("text.0", "text.1")
LABEL = "column of the label; a row without one is not learned from"


@frozen
class SequenceClassification:
    """One label for each text, or for each pair of texts."""

    text: str | tuple[str, str] = option("column of the text, or two columns encoded together", "text")
    label: str = option(LABEL, "label")
    labels: tuple[str, ...] = labels_field()
    pooling: TextPooling = pooling_field()
    layers: Layers = layers_field()
    hidden: Hidden = hidden_field()
    activation: Activation = activation_field()
    dropout: Share = dropout_field()
    ignore: tuple[str, ...] = ignore_field()
    class_weights: Weights = class_weights_field()
    label_smoothing: Share = label_smoothing_field()

    def columns(self) -> Mapping[str, str]:
        """The columns that are read, by option."""
        texts = {"text": self.text} if isinstance(self.text, str) else dict(zip(PAIR, self.text, strict=True))
        return {**texts, "label": self.label}

    def views(self) -> tuple[tuple[str, ...], ...]:
        """The columns that are encoded together."""
        return ((self.text,) if isinstance(self.text, str) else self.text,)

    def metrics(self) -> tuple[str, ...]:
        """The metrics that are measured."""
        return "accuracy", "macro-f1"
