"""Options of the heads that learn by measuring vectors; light, without torch."""

from collections.abc import Mapping
from typing import Annotated, Literal, get_args

from annotated_types import Ge, Gt, Le
from attrs import frozen

from mtlkit.builtin.heads.option_fields import (
    LABEL,
    Layers,
    Text,
    TextPooling,
    Views,
    labels_field,
    layers_field,
    metrics_field,
    pooling_field,
    text_columns,
    text_field,
    text_views,
)
from mtlkit.builtin.metrics.names import ClassMetric, NumberMetric, lower_of
from mtlkit.contracts.backbone import Pooling
from mtlkit.contracts.options import option

Listed = Literal["last"] | tuple[int, ...]
Solver = Literal["logistic", "ridge"]
Predicts = Literal["class", "number"]
Prototypes = Literal["learned", "means", "label-text"]
Metric = Literal["cosine", "euclidean"]
CLASSES, NUMBERS = get_args(ClassMetric), get_args(NumberMetric)
CLASS_METRICS: tuple[ClassMetric, ...] = ("accuracy", "macro-f1")
NUMBER_METRICS: tuple[NumberMetric, ...] = ("pearson", "spearman", "mae", "rmse")


@frozen
class Prototype:
    """The class whose prototype is nearest to the vector of a text."""

    text: Text = text_field()
    label: str = option(LABEL, "label")
    labels: tuple[str, ...] = labels_field()
    prototypes: Prototypes = option(
        '"learned" vectors, "means" of classes (of the other rows of a step, then of all training rows), or '
        'those of a "label-text"',
        "learned",
    )
    label_texts: Mapping[str, str] = option("what labels mean, in words; else a label is its own text", {})
    distance: Metric = option("cosine, or the squared euclidean distance", "cosine")
    scale: Annotated[float, Gt(0), Le(1000)] = option(
        "factor on cosines or distances (inverse temperature)", 10.0
    )
    dim: Annotated[int, Ge(0)] = option(
        "size of a linear projection; 0 for the vectors as they are", 0, unit="dimensions"
    )
    pooling: TextPooling = pooling_field()
    layers: Layers = layers_field()
    _metrics: tuple[ClassMetric, ...] = metrics_field(CLASS_METRICS)

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
class Probe:
    """What a linear model finds in vectors: fitted before each evaluation, never trained."""

    text: Text = text_field()
    label: str = option(LABEL, "label")
    predicts: Predicts = option('what the label is, a "class" or a "number"', "class")
    labels: tuple[str, ...] = labels_field()
    solver: Solver = option('"logistic" regression, or "ridge", in closed form', "logistic")
    strength: Annotated[float, Ge(1e-6)] = option("of the penalty on squared weights", 1.0)
    standardize: bool = option("scale each dimension to mean 0 and variance 1 first", True)
    pooling: Pooling = option("how the tokens of a text become one vector", "mean")
    layers: Listed = layers_field(mix=False)
    _metrics: tuple[ClassMetric | NumberMetric, ...] = metrics_field(())

    def __attrs_post_init__(self) -> None:
        if self.predicts == "number" and (self.solver == "logistic" or self.labels):
            raise ValueError('a number is predicted by solver = "ridge", and has no labels')
        fitting = CLASSES if self.predicts == "class" else NUMBERS
        for name in self._metrics:
            if name not in fitting:
                raise ValueError(f"{name!r} is no metric of a {self.predicts}: {', '.join(fitting)}")

    def columns(self) -> Mapping[str, str]:
        """The columns that are read, by option."""
        return {**text_columns(self.text), "label": self.label}

    def views(self) -> Views:
        """The columns that are encoded together."""
        return text_views(self.text)

    def metrics(self) -> tuple[ClassMetric | NumberMetric, ...]:
        """The metrics that are measured."""
        return self._metrics or (CLASS_METRICS if self.predicts == "class" else NUMBER_METRICS)

    @property
    def lower_is_better(self) -> tuple[str, ...]:
        """Those of its metrics of which lower is better."""
        return lower_of(self.metrics())
