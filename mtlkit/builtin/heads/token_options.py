"""Options of the heads that give words a tag or labels; light, so that recipes are checked without torch."""

from collections.abc import Mapping
from random import Random
from typing import Annotated, Literal

from annotated_types import Gt, Lt
from attrs import frozen

from mtlkit.builtin.heads.option_fields import (
    Activation,
    Hidden,
    Layers,
    Share,
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
)
from mtlkit.builtin.heads.tag_schemes import Scheme, follows, lone
from mtlkit.builtin.metrics.names import PlaceMetric, TagMetric
from mtlkit.contracts.data import Record
from mtlkit.contracts.options import option

Subword = Literal["first", "last", "mean"]
WORDS = "column of the words, a list for each row"
SUBWORD = "which tokens of a word stand for it"
LABELS = ("a", "b", "c")
TAGS = {
    "none": ("B-x", "I-x", "O"),
    "bio": ("B-x", "I-x", "O"),
    "bioes": ("B-x", "I-x", "E-x", "S-x", "O"),
}


@frozen
class TokenClassification:
    """One tag for each word of a sentence."""

    tokens: str = option(WORDS, "tokens")
    label: str = option("column of the tags, a list as long as the words", "tags")
    labels: tuple[str, ...] = labels_field("tags")
    scheme: Scheme = option("which sequences of tags may be predicted: any, or those of BIO or BIOES", "none")
    subword: Subword = option(SUBWORD, "first")
    layers: Layers = layers_field()
    hidden: Hidden = hidden_field()
    activation: Activation = activation_field()
    dropout: Share = dropout_field()
    ignore: tuple[str, ...] = ignore_field()
    class_weights: Weights = class_weights_field()
    label_smoothing: Share = label_smoothing_field()
    _metrics: tuple[TagMetric, ...] = metrics_field(("entity-f1", "token-accuracy"))

    def __attrs_post_init__(self) -> None:
        check_ignored(self.labels, self.ignore)

    def columns(self) -> Mapping[str, str]:
        """The columns that are read, by option."""
        return {"tokens": self.tokens, "label": self.label}

    def metrics(self) -> tuple[TagMetric, ...]:
        """The metrics that are measured."""
        return self._metrics

    def examples(self, count: int, rng: Random) -> list[Record]:
        """Rows of words that name their tags, all tags in the first row where the scheme allows it."""
        names = self.labels or tuple(dict.fromkeys([*TAGS[self.scheme], *self.class_weights]))
        found = [names, *(self._tags(names, rng) for _ in range(1, count))]
        return [
            {self.tokens: [f"{tag}{rng.randrange(3)}" for tag in tags], self.label: list(tags)}
            for tags in found
        ]

    def _tags(self, names: tuple[str, ...], rng: Random) -> list[str]:
        """Tags of up to six words as the scheme has them, as far as it is found by trying."""
        for _ in range(20):
            tags: list[str] = []
            for _ in range(rng.randint(1, 6)):
                before = tags[-1] if tags else None
                fitting = [name for name in names if follows(before, name, self.scheme)]
                tags += [rng.choice(fitting)] if fitting else []
            if tags and follows(tags[-1], None, self.scheme):
                return tags
        return [rng.choice(lone(names, self.scheme) or list(names))]


@frozen
class MultiLabelToken:
    """Any number of labels for each word of a sentence."""

    tokens: str = option(WORDS, "tokens")
    label: str = option(
        "column of the labels: for each word a list, or nothing where they are unknown", "labels"
    )
    labels: tuple[str, ...] = labels_field("labels")
    threshold: Annotated[float, Gt(0), Lt(1)] = option("probability from which a label is predicted", 0.5)
    subword: Subword = option(SUBWORD, "first")
    layers: Layers = layers_field()
    hidden: Hidden = hidden_field()
    activation: Activation = activation_field()
    dropout: Share = dropout_field()
    _metrics: tuple[PlaceMetric, ...] = metrics_field(("micro-f1", "macro-f1"))

    def columns(self) -> Mapping[str, str]:
        """The columns that are read, by option."""
        return {"tokens": self.tokens, "label": self.label}

    def metrics(self) -> tuple[PlaceMetric, ...]:
        """The metrics that are measured."""
        return self._metrics

    def examples(self, count: int, rng: Random) -> list[Record]:
        """Rows of made-up words that name their labels."""
        return [self._example(rng) for _ in range(count)]

    def _example(self, rng: Random) -> Record:
        names = self.labels or LABELS
        cells = [[name for name in names if rng.random() < 0.5] for _ in range(rng.randint(1, 6))]
        cells[0] = cells[0] or [rng.choice(names)]
        return {self.tokens: ["+".join(cell) or "none" for cell in cells], self.label: cells}
