"""Options of the heads for words; light, so that recipes are checked without torch."""

from collections.abc import Mapping
from typing import Annotated, Literal

from annotated_types import Ge, Lt
from attrs import frozen

from mtlkit.contracts.options import option

Subword = Literal["first", "last", "mean"]


@frozen
class TokenClassification:
    """One tag for each word of a sentence."""

    tokens: str = option("column of the words, a list for each row", "tokens")
    label: str = option("column of the tags, a list as long as the words", "tags")
    labels: tuple[str, ...] = option("the tags in their order; by default those of the training rows", ())
    subword: Subword = option("which tokens of a word stand for it", "first")
    dropout: Annotated[float, Ge(0), Lt(1)] = option("dropout rate before the classifier", 0.1)

    def columns(self) -> Mapping[str, str]:
        """The columns that are read, by option."""
        return {"tokens": self.tokens, "label": self.label}

    def metrics(self) -> tuple[str, ...]:
        """The metrics that are measured."""
        return "entity-f1", "token-accuracy"
