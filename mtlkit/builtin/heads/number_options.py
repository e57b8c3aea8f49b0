"""Options of the heads that give numbers; light, without torch."""

from collections.abc import Mapping
from math import isfinite
from random import Random
from typing import Annotated, Literal

from annotated_types import Ge, Gt, Le
from attrs import frozen

from mtlkit.builtin.heads.example_rows import texts
from mtlkit.builtin.heads.option_fields import (
    Activation,
    Hidden,
    Layers,
    Share,
    Text,
    TextPooling,
    Views,
    activation_field,
    dropout_field,
    hidden_field,
    layers_field,
    metrics_field,
    pooling_field,
    text_columns,
    text_field,
    text_views,
)
from mtlkit.builtin.metrics.names import NumberMetric, lower_of
from mtlkit.contracts.data import Record
from mtlkit.contracts.options import option

Distance = Literal["mse", "huber", "mae"]
Limit = Literal["clip", "sigmoid"]
TeacherTarget = Literal["logits", "embedding"]
TeacherDistance = Literal["mse", "cosine"]
TeacherMetric = Literal["agreement", "kl-divergence", "cosine", "rmse"]


@frozen
class Regression:
    """A number for each text, or several numbers."""

    text: Text = text_field()
    label: str | tuple[str, ...] = option(
        "column of the number, or columns of several; what is missing is not learned from", "label"
    )
    loss: Distance = option(
        "squared or absolute error, or huber: squared up to `delta`, then absolute", "mse"
    )
    delta: Annotated[float, Gt(0)] = option("huber: where the squared error ends", 1.0)
    range: tuple[float, float] | None = option(
        "lowest and highest number; the loss is that of numbers scaled to 0…1", None
    )
    limit: Limit = option(
        'how predictions keep to the range: "clip", or a "sigmoid" that is trained through', "clip"
    )
    pooling: TextPooling = pooling_field()
    layers: Layers = layers_field()
    hidden: Hidden = hidden_field()
    activation: Activation = activation_field()
    dropout: Share = dropout_field()
    _metrics: tuple[NumberMetric, ...] = metrics_field(("pearson", "spearman", "mae", "rmse"))

    def __attrs_post_init__(self) -> None:
        if self.range is None and self.limit == "sigmoid":
            raise ValueError('limit "sigmoid" needs a range, such as range = [1, 5]')
        if self.range is not None and not (all(map(isfinite, self.range)) and self.range[0] < self.range[1]):
            raise ValueError(f"range is {list(self.range)}; the first number should be below the second")
        if not self.targets() or len(set(self.targets())) < len(self.targets()):
            raise ValueError("label should name one column, or several different ones")

    def targets(self) -> tuple[str, ...]:
        """The columns of the numbers."""
        return (self.label,) if isinstance(self.label, str) else self.label

    def columns(self) -> Mapping[str, str]:
        """The columns that are read, by option."""
        several = {f"label.{number}": name for number, name in enumerate(self.label)}
        return {
            **text_columns(self.text),
            **({"label": self.label} if isinstance(self.label, str) else several),
        }

    def views(self) -> Views:
        """The columns that are encoded together."""
        return text_views(self.text)

    def metrics(self) -> tuple[NumberMetric, ...]:
        """The metrics that are measured."""
        return self._metrics

    @property
    def lower_is_better(self) -> tuple[str, ...]:
        """Those of its metrics of which lower is better."""
        return lower_of(self.metrics())

    def examples(self, count: int, rng: Random) -> list[Record]:
        """Rows that it could learn from, for the conformance kit."""
        low, high = self.range or (-1.0, 1.0)
        rows: list[Record] = []
        for number in range(count):
            cells = {name: low + (high - low) * rng.randint(0, 8) / 8 for name in self.targets()}
            rows.append({**texts(self.views()[0], number, rng), **cells})
        return rows


@frozen
class Distillation:
    """What another model said of each text: its scores of classes, or its vector."""

    text: Text = text_field()
    teacher: str | tuple[str, ...] = option(
        "column of a list of numbers, or columns of one each; a row without is not learned from", "teacher"
    )
    target: TeacherTarget = option('what the numbers are: "logits" of classes, or an "embedding"', "logits")
    labels: tuple[str, ...] = option("logits: the classes in the order of the numbers", ())
    size: Annotated[int, Ge(0)] = option("embedding: how many numbers there are", 0, unit="dimensions")
    temperature: Annotated[float, Ge(0.01), Le(1000)] = option(
        "logits: what scores of both are divided by", 2.0
    )
    distance: TeacherDistance = option("embedding: the loss", "mse")
    pooling: TextPooling = pooling_field()
    layers: Layers = layers_field()
    hidden: Hidden = hidden_field()
    activation: Activation = activation_field()
    dropout: Share = dropout_field()

    def __attrs_post_init__(self) -> None:
        if (self.target == "logits") != bool(self.labels) or (self.target == "embedding") != bool(self.size):
            raise ValueError('give `labels` for target "logits", and `size` for target "embedding"')
        if not isinstance(self.teacher, str) and len(self.teacher) != self.width():
            raise ValueError(f"{len(self.teacher)} columns of the teacher, but {self.width()} are needed")

    def width(self) -> int:
        """How many numbers the teacher gives."""
        return len(self.labels) or self.size

    def columns(self) -> Mapping[str, str]:
        """The columns that are read, by option."""
        if isinstance(self.teacher, str):
            return {**text_columns(self.text), "teacher": self.teacher}
        several = {f"teacher.{number}": name for number, name in enumerate(self.teacher)}
        return {**text_columns(self.text), **several}

    def views(self) -> Views:
        """The columns that are encoded together."""
        return text_views(self.text)

    def metrics(self) -> tuple[TeacherMetric, ...]:
        """The metrics that are measured."""
        return ("agreement", "kl-divergence") if self.target == "logits" else ("cosine", "rmse")

    @property
    def lower_is_better(self) -> tuple[str, ...]:
        """Those of its metrics of which lower is better."""
        return lower_of(self.metrics())

    def examples(self, count: int, rng: Random) -> list[Record]:
        """Rows that it could learn from, for the conformance kit."""
        rows: list[Record] = []
        for number in range(count):
            said = [round(rng.gauss(0, 1), 3) for _ in range(self.width())]
            cells: Record = (
                {self.teacher: said}
                if isinstance(self.teacher, str)
                else dict(zip(self.teacher, said, strict=True))
            )
            rows.append({**texts(self.views()[0], number, rng), **cells})
        return rows
