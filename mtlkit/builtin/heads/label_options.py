"""Options of the heads that give a text several labels, a level or a distribution; light, without torch."""

from collections.abc import Mapping
from random import Random
from typing import Annotated, Literal

from annotated_types import Gt, Lt
from attrs import frozen

from mtlkit.builtin.heads.example_rows import some_of, texts
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
    class_weights_field,
    dropout_field,
    hidden_field,
    label_smoothing_field,
    labels_field,
    layers_field,
    metrics_field,
    pooling_field,
    text_columns,
    text_field,
    text_views,
)
from mtlkit.builtin.metrics.names import LabelMetric, OrderedMetric, lower_of
from mtlkit.contracts.data import Record
from mtlkit.contracts.options import option

Threshold = Literal["tune"] | Annotated[float, Gt(0), Lt(1)]
Method = Literal["coral", "corn"]
Divergence = Literal["kl", "js", "cross-entropy"]
DistributionMetric = Literal["kl-divergence", "js-divergence", "top-accuracy"]


@frozen
class MultiLabelClassification:
    """Any number of labels for each text."""

    text: Text = text_field()
    label: str = option("column of the labels, a list or a text; a row without is not learned from", "labels")
    separator: str = option('what stands between labels in a text, such as "|"; none: it is one label', "")
    flags: tuple[str, ...] = option("columns of 1 and 0 named as the labels, in place of `label`", ())
    labels: tuple[str, ...] = labels_field("labels")
    threshold: Threshold = option(
        'how likely a label must be; "tune": what gives each label its best F1 on the training rows',
        0.5,
    )
    pooling: TextPooling = pooling_field()
    layers: Layers = layers_field()
    hidden: Hidden = hidden_field()
    activation: Activation = activation_field()
    dropout: Share = dropout_field()
    class_weights: Weights = class_weights_field()
    label_smoothing: Share = label_smoothing_field()
    _metrics: tuple[LabelMetric, ...] = metrics_field(("micro-f1", "macro-f1", "subset-accuracy"))

    def __attrs_post_init__(self) -> None:
        if self.flags and self.labels:
            raise ValueError("give either `flags`, whose names are the labels, or `labels`")

    def columns(self) -> Mapping[str, str]:
        """The columns that are read, by option."""
        flags = {f"flags.{number}": name for number, name in enumerate(self.flags)}
        return {**text_columns(self.text), **(flags or {"label": self.label})}

    def views(self) -> Views:
        """The columns that are encoded together."""
        return text_views(self.text)

    def metrics(self) -> tuple[LabelMetric, ...]:
        """The metrics that are measured."""
        return self._metrics

    def examples(self, count: int, rng: Random) -> list[Record]:
        """Rows that it could learn from, for the conformance kit."""
        names = self.flags or self.labels or ("a", "É b", "c")
        chosen = [some_of(names, rng) for _ in range(count)]
        cells: list[Record]
        if self.flags:
            cells = [{name: int(name in each) for name in names} for each in chosen]
        else:
            cells = [{self.label: each} for each in chosen]
        return [{**texts(self.views()[0], at, rng), **each} for at, each in enumerate(cells)]


@frozen
class Ordinal:
    """One of several levels, which have an order, for each text."""

    text: Text = text_field()
    label: str = option(LABEL, "label")
    labels: tuple[str, ...] = option("the levels, lowest first; numbers of the training rows by default", ())
    method: Method = option('"coral": one line, a bias for each step; "corn": conditional steps', "coral")
    pooling: TextPooling = pooling_field()
    layers: Layers = layers_field()
    hidden: Hidden = hidden_field()
    activation: Activation = activation_field()
    dropout: Share = dropout_field()
    _metrics: tuple[OrderedMetric, ...] = metrics_field(("quadratic-kappa", "mae", "accuracy"))

    def columns(self) -> Mapping[str, str]:
        """The columns that are read, by option."""
        return {**text_columns(self.text), "label": self.label}

    def views(self) -> Views:
        """The columns that are encoded together."""
        return text_views(self.text)

    def metrics(self) -> tuple[OrderedMetric, ...]:
        """The metrics that are measured."""
        return self._metrics

    @property
    def lower_is_better(self) -> tuple[str, ...]:
        """Those of its metrics of which lower is better."""
        return lower_of(self.metrics())


@frozen
class LabelDistribution:
    """A probability of each label for each text, where people disagree."""

    text: Text = text_field()
    label: str = option("column of the labels that several people gave, a list or one text", "labels")
    shares: tuple[str, ...] = option("columns of numbers named as the labels, in place of `label`", ())
    labels: tuple[str, ...] = labels_field("labels")
    divergence: Divergence = option(
        'the loss: of the prediction from the data ("kl"), or symmetric ("js")', "kl"
    )
    pooling: TextPooling = pooling_field()
    layers: Layers = layers_field()
    hidden: Hidden = hidden_field()
    activation: Activation = activation_field()
    dropout: Share = dropout_field()
    _metrics: tuple[DistributionMetric, ...] = metrics_field(
        ("kl-divergence", "js-divergence", "top-accuracy")
    )

    def __attrs_post_init__(self) -> None:
        if self.shares and self.labels:
            raise ValueError("give either `shares`, whose names are the labels, or `labels`")

    def columns(self) -> Mapping[str, str]:
        """The columns that are read, by option."""
        shares = {f"shares.{number}": name for number, name in enumerate(self.shares)}
        return {**text_columns(self.text), **(shares or {"label": self.label})}

    def views(self) -> Views:
        """The columns that are encoded together."""
        return text_views(self.text)

    def metrics(self) -> tuple[DistributionMetric, ...]:
        """The metrics that are measured."""
        return self._metrics

    @property
    def lower_is_better(self) -> tuple[str, ...]:
        """Those of its metrics of which lower is better."""
        return lower_of(self.metrics())

    def examples(self, count: int, rng: Random) -> list[Record]:
        """Rows that it could learn from, for the conformance kit."""
        names = self.shares or self.labels or ("a", "É b", "c")
        votes = [rng.choices(names, k=5) for _ in range(count)]
        cells: list[Record]
        if self.shares:
            cells = [{name: each.count(name) for name in names} for each in votes]
        else:
            cells = [{self.label: each} for each in votes]
        return [{**texts(self.views()[0], at, rng), **each} for at, each in enumerate(cells)]
