"""Options of the heads for spans of words; light, so that recipes are checked without torch.

A span is [begin, end]: the number of its first word, from 0, and that of the word behind its last one.
"""

from collections.abc import Mapping
from random import Random
from typing import Annotated, Literal

from annotated_types import Ge
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
from mtlkit.builtin.heads.token_options import LABELS, SUBWORD, WORDS, Subword
from mtlkit.builtin.metrics.names import PlaceMetric, SpanMetric
from mtlkit.contracts.data import Record
from mtlkit.contracts.options import option

Extractor = Literal["endpoint", "self-attention", "max"]
Scorer = Literal["biaffine", "global-pointer"]
EXTRACTOR = "what a span becomes: its first and last word, a weighted mean of its words, or their maximum"
WIDTH = "size of a learned vector of the number of words, beside the span's own; 0 for none"
WIDEST = "spans of that many words or more share one such vector"
LABEL = "column of the labels, a list as long as the spans"
MADE_UP = ("one", "two", "New", "York", "été", "x", "very", "long")


@frozen
class SpanClassification:
    """One label for each of the spans of words that a row names."""

    tokens: str = option(WORDS, "tokens")
    spans: str = option("column of the spans: a list of [begin, end], the end exclusive, in words", "spans")
    label: str = option(LABEL, "labels")
    labels: tuple[str, ...] = labels_field()
    extractor: Extractor = option(EXTRACTOR, "endpoint")
    width_size: Annotated[int, Ge(0)] = option(WIDTH, 0, unit="dimensions")
    max_width: Annotated[int, Ge(1)] = option(WIDEST, 16, unit="words")
    subword: Subword = option(SUBWORD, "first")
    layers: Layers = layers_field()
    hidden: Hidden = hidden_field()
    activation: Activation = activation_field()
    dropout: Share = dropout_field()
    ignore: tuple[str, ...] = ignore_field()
    class_weights: Weights = class_weights_field()
    label_smoothing: Share = label_smoothing_field()
    _metrics: tuple[PlaceMetric, ...] = metrics_field(("micro-f1", "macro-f1"))

    def __attrs_post_init__(self) -> None:
        check_ignored(self.labels, self.ignore)

    def columns(self) -> Mapping[str, str]:
        """The columns that are read, by option."""
        return {"tokens": self.tokens, "spans": self.spans, "label": self.label}

    def metrics(self) -> tuple[PlaceMetric, ...]:
        """The metrics that are measured."""
        return self._metrics

    def examples(self, count: int, rng: Random) -> list[Record]:
        """Rows of made-up words, one to three spans of them, and labels."""
        return [_example(rng, self.tokens, (self.spans,), self.label, self.labels) for _ in range(count)]


@frozen
class SpanPair:
    """One label, such as a relation, for each pair of spans that a row names."""

    tokens: str = option(WORDS, "tokens")
    first: str = option(
        "column of the first spans: a list of [begin, end], the end exclusive, in words", "first"
    )
    second: str = option("column of the second spans, as many as the first", "second")
    label: str = option("column of the labels, a list as long as the pairs", "labels")
    labels: tuple[str, ...] = labels_field()
    extractor: Extractor = option(EXTRACTOR, "self-attention")
    width_size: Annotated[int, Ge(0)] = option(WIDTH, 0, unit="dimensions")
    max_width: Annotated[int, Ge(1)] = option(WIDEST, 16, unit="words")
    subword: Subword = option(SUBWORD, "first")
    layers: Layers = layers_field()
    hidden: Hidden = hidden_field()
    activation: Activation = activation_field()
    dropout: Share = dropout_field()
    ignore: tuple[str, ...] = ignore_field()
    class_weights: Weights = class_weights_field()
    label_smoothing: Share = label_smoothing_field()
    _metrics: tuple[PlaceMetric, ...] = metrics_field(("micro-f1", "macro-f1"))

    def __attrs_post_init__(self) -> None:
        check_ignored(self.labels, self.ignore)

    def columns(self) -> Mapping[str, str]:
        """The columns that are read, by option."""
        return {"tokens": self.tokens, "first": self.first, "second": self.second, "label": self.label}

    def metrics(self) -> tuple[PlaceMetric, ...]:
        """The metrics that are measured."""
        return self._metrics

    def examples(self, count: int, rng: Random) -> list[Record]:
        """Rows of made-up words, one to three pairs of spans of them, and labels."""
        spans = (self.first, self.second)
        return [_example(rng, self.tokens, spans, self.label, self.labels) for _ in range(count)]


@frozen
class BiaffineNer:
    """All entities of a sentence, nested ones too: every span of words up to a width is scored."""

    tokens: str = option(WORDS, "tokens")
    label: str = option(
        "column of a tag (BIO or BIOES) for each word, or with `spans` a label for each span", "tags"
    )
    spans: str = option(
        "column of the entities: a list of [begin, end], the end exclusive; empty for tags", ""
    )
    labels: tuple[str, ...] = labels_field("labels, or the tags,")
    scorer: Scorer = option("how a span is scored", "biaffine")
    nested: bool = option("whether one entity may lie within another", False)
    max_width: Annotated[int, Ge(1)] = option(
        "words of an entity at most; wider ones are never found", 12, unit="words"
    )
    size: Annotated[int, Ge(2)] = option("size of the vectors of first and last words", 64, unit="dimensions")
    subword: Subword = option(SUBWORD, "first")
    layers: Layers = layers_field()
    activation: Activation = activation_field()
    dropout: Share = dropout_field()
    _metrics: tuple[SpanMetric, ...] = metrics_field(("span-f1", "span-precision", "span-recall"))

    def columns(self) -> Mapping[str, str]:
        """The columns that are read, by option."""
        spans = {"spans": self.spans} if self.spans else {}
        return {"tokens": self.tokens, **spans, "label": self.label}

    def metrics(self) -> tuple[SpanMetric, ...]:
        """The metrics that are measured."""
        return self._metrics

    def examples(self, count: int, rng: Random) -> list[Record]:
        """Rows of made-up words with entities of one or two words, one behind the other."""
        return [self._example(rng) for _ in range(count)]

    def _example(self, rng: Random) -> Record:
        words: list[str] = []
        spans: list[list[int]] = []
        labels: list[str] = []
        for _ in range(rng.randint(1, 3)):
            begin = len(words)
            words += [rng.choice(MADE_UP) for _ in range(rng.randint(1, min(2, self.max_width)))]
            spans.append([begin, len(words)])
            labels.append(rng.choice(self.labels or LABELS))
            words.append(rng.choice(MADE_UP))
        if self.spans:
            return {self.tokens: words, self.spans: spans, self.label: labels}
        if self.labels:
            return {self.tokens: words, self.label: [rng.choice(self.labels) for _ in words]}
        tags = ["O"] * len(words)
        for (begin, end), label in zip(spans, labels, strict=True):
            tags[begin:end] = [f"B-{label}", *[f"I-{label}"] * (end - begin - 1)]
        return {self.tokens: words, self.label: tags}


def _example(
    rng: Random, tokens: str, columns: tuple[str, ...], label: str, labels: tuple[str, ...]
) -> Record:
    words = [rng.choice(MADE_UP) for _ in range(rng.randint(1, 6))]
    count = rng.randint(1, 3)
    cells: dict[str, object] = {tokens: words}
    for column in columns:
        begins = [rng.randrange(len(words)) for _ in range(count)]
        cells[column] = [[begin, rng.randint(begin + 1, len(words))] for begin in begins]
    return {**cells, label: [rng.choice(labels or LABELS) for _ in range(count)]}
