"""Options of the head for dependency trees; light, so that recipes are checked without torch."""

from collections.abc import Mapping
from random import Random
from typing import Annotated, Literal

from annotated_types import Ge
from attrs import frozen

from mtlkit.builtin.heads.option_fields import (
    Activation,
    Layers,
    Share,
    activation_field,
    dropout_field,
    labels_field,
    layers_field,
    metrics_field,
)
from mtlkit.builtin.heads.token_options import SUBWORD, WORDS, Subword
from mtlkit.builtin.metrics.names import TreeMetric
from mtlkit.contracts.data import Record
from mtlkit.contracts.options import option

RELATIONS = ("nsubj", "obj", "root")


@frozen
class Dependency:
    """The head of each word of a sentence, and its relation to it."""

    tokens: str = option(WORDS, "tokens")
    heads: str = option(
        "column of the heads: for each word the number of its head from 1, 0 for the root", "heads"
    )
    label: str = option("column of the relations, a list as long as the words", "relations")
    labels: tuple[str, ...] = labels_field("relations")
    arc_size: Annotated[int, Ge(1)] = option(
        "size of the vectors that heads are found by", 128, unit="dimensions"
    )
    relation_size: Annotated[int, Ge(1)] = option(
        "size of the vectors that relations are found by", 64, unit="dimensions"
    )
    decode: Literal["mst", "greedy"] = option(
        "the best tree with one root, or for each word the best head, which need not be a tree", "mst"
    )
    subword: Subword = option(SUBWORD, "first")
    layers: Layers = layers_field()
    activation: Activation = activation_field()
    dropout: Share = dropout_field()
    _metrics: tuple[TreeMetric, ...] = metrics_field(("las", "uas"))

    def columns(self) -> Mapping[str, str]:
        """The columns that are read, by option."""
        return {"tokens": self.tokens, "heads": self.heads, "label": self.label}

    def metrics(self) -> tuple[TreeMetric, ...]:
        """The metrics that are measured."""
        return self._metrics

    def examples(self, count: int, rng: Random) -> list[Record]:
        """Rows of made-up words under random trees."""
        return [self._example(rng) for _ in range(count)]

    def _example(self, rng: Random) -> Record:
        words = rng.randint(1, 5)
        order = rng.sample(range(1, words + 1), words)
        heads = [0] * words
        for place in range(1, words):
            heads[order[place] - 1] = rng.choice(order[:place])
        relations = [rng.choice(self.labels or RELATIONS) for _ in heads]
        names = [f"{relation}{head}" for relation, head in zip(relations, heads, strict=True)]
        return {self.tokens: names, self.heads: heads, self.label: relations}
