"""Options of `multiple-choice`; light, without torch."""

from collections.abc import Mapping
from random import Random

from attrs import frozen

from mtlkit.builtin.heads.example_rows import texts
from mtlkit.builtin.heads.option_fields import (
    Activation,
    Hidden,
    Layers,
    Share,
    TextPooling,
    Views,
    activation_field,
    dropout_field,
    hidden_field,
    label_smoothing_field,
    layers_field,
    pooling_field,
)
from mtlkit.contracts.data import Record
from mtlkit.contracts.options import option


@frozen
class MultipleChoice:
    """The right one of several texts, given a question or a beginning."""

    question: str = option("column of the question, encoded together with each choice", "question")
    choices: tuple[str, ...] = option("columns of the choices; an empty one is no choice in its row", ())
    label: str = option("column of the right choice; a row without is not learned from", "label")
    labels: tuple[str, ...] = option("what the label column calls the choices; by default 0, 1, …", ())
    pooling: TextPooling = pooling_field()
    layers: Layers = layers_field()
    hidden: Hidden = hidden_field()
    activation: Activation = activation_field()
    dropout: Share = dropout_field()
    label_smoothing: Share = label_smoothing_field()

    def __attrs_post_init__(self) -> None:
        if len(self.choices) < 2 or len(set(self.choices)) < len(self.choices):
            raise ValueError(f"choices are {list(self.choices)}; two or more different columns are needed")
        if self.labels and len(set(self.labels)) != len(self.choices):
            raise ValueError(f"{len(self.choices)} choices need as many labels, not {list(self.labels)}")

    def columns(self) -> Mapping[str, str]:
        """The columns that are read, by option."""
        choices = {f"choices.{number}": name for number, name in enumerate(self.choices)}
        return {"question": self.question, **choices, "label": self.label}

    def views(self) -> Views:
        """The question with each choice."""
        return tuple((self.question, choice) for choice in self.choices)

    def names(self) -> tuple[str, ...]:
        """What the label column calls the choices."""
        return self.labels or tuple(str(number) for number in range(len(self.choices)))

    def metrics(self) -> tuple[str, ...]:
        """The metrics that are measured."""
        return ("accuracy",)

    def examples(self, count: int, rng: Random) -> list[Record]:
        """Rows that it could learn from, for the conformance kit."""
        rows: list[Record] = []
        for number in range(count):
            row = texts((self.question, *self.choices), number, rng)
            right = rng.randrange(len(self.choices))
            rows.append({**row, self.label: self.names()[right]})
        return rows
