"""Options of the heads that give a text, a pair or an image one class; light, without torch."""

from collections.abc import Mapping
from typing import Literal

from attrs import frozen

from mtlkit.builtin.heads.option_fields import (
    LABEL,
    Activation,
    Hidden,
    Layers,
    Share,
    Text,
    TextPooling,
    Views,
    Weights,
    activation_field,
    check_ignored,
    class_weights_field,
    dropout_field,
    hidden_field,
    ignore_field,
    label_smoothing_field,
    labels_field,
    layers_field,
    metrics_field,
    pooling_field,
    text_columns,
    text_field,
    text_views,
)
from mtlkit.builtin.metrics.names import ClassMetric
from mtlkit.contracts.options import option

Encoder = Literal["cross", "bi"]
Combination = Literal["concat", "difference", "product"]


@frozen
class SequenceClassification:
    """One label for each text, or for each pair of texts."""

    text: Text = text_field()
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
    _metrics: tuple[ClassMetric, ...] = metrics_field(("accuracy", "macro-f1"))

    def __attrs_post_init__(self) -> None:
        check_ignored(self.labels, self.ignore)

    def columns(self) -> Mapping[str, str]:
        """The columns that are read, by option."""
        return {**text_columns(self.text), "label": self.label}

    def views(self) -> Views:
        """The columns that are encoded together."""
        return text_views(self.text)

    def metrics(self) -> tuple[ClassMetric, ...]:
        """The metrics that are measured."""
        return self._metrics


@frozen
class ImageClassification:
    """One label for each image; the backbone has to be one that reads images."""

    image: str = option("column of the image, the path of a file", "image")
    label: str = option(LABEL, "label")
    labels: tuple[str, ...] = labels_field()
    pooling: TextPooling = option("how the patches of an image become one vector", "mean")
    layers: Layers = layers_field()
    hidden: Hidden = hidden_field()
    activation: Activation = activation_field()
    dropout: Share = dropout_field()
    ignore: tuple[str, ...] = ignore_field()
    class_weights: Weights = class_weights_field()
    label_smoothing: Share = label_smoothing_field()
    _metrics: tuple[ClassMetric, ...] = metrics_field(("accuracy", "macro-f1"))

    def __attrs_post_init__(self) -> None:
        check_ignored(self.labels, self.ignore)

    def columns(self) -> Mapping[str, str]:
        """The columns that are read, by option."""
        return {"image": self.image, "label": self.label}

    def views(self) -> Views:
        """The column that is encoded."""
        return ((self.image,),)

    def metrics(self) -> tuple[ClassMetric, ...]:
        """The metrics that are measured."""
        return self._metrics


@frozen
class PairClassification:
    """One label for each pair of texts, encoded together (cross) or each on its own (bi)."""

    first: str = option("column of the first text", "text")
    second: str = option("column of the second text", "text_pair")
    label: str = option(LABEL, "label")
    labels: tuple[str, ...] = labels_field()
    encoder: Encoder = option('"cross": the texts see each other; "bi": one vector for each', "cross")
    combine: tuple[Combination, ...] = option(
        "bi: what is made of the vectors u and v: both, |u - v|, u · v by element", ("concat", "difference")
    )
    pooling: TextPooling = pooling_field()
    layers: Layers = layers_field()
    hidden: Hidden = hidden_field()
    activation: Activation = activation_field()
    dropout: Share = dropout_field()
    ignore: tuple[str, ...] = ignore_field()
    class_weights: Weights = class_weights_field()
    label_smoothing: Share = label_smoothing_field()
    _metrics: tuple[ClassMetric, ...] = metrics_field(("accuracy", "macro-f1"))

    def __attrs_post_init__(self) -> None:
        check_ignored(self.labels, self.ignore)
        if not self.combine or len(set(self.combine)) < len(self.combine):
            raise ValueError(
                f"combine is {list(self.combine)}; it should be some of concat, difference, product"
            )

    def columns(self) -> Mapping[str, str]:
        """The columns that are read, by option."""
        return {"first": self.first, "second": self.second, "label": self.label}

    def views(self) -> Views:
        """Both columns together, or each on its own."""
        return ((self.first, self.second),) if self.encoder == "cross" else ((self.first,), (self.second,))

    def metrics(self) -> tuple[ClassMetric, ...]:
        """The metrics that are measured."""
        return self._metrics
