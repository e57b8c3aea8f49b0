"""Options of the heads for words and embeddings; light, so that recipes are checked without torch."""

from collections.abc import Mapping
from typing import Annotated, Literal

from annotated_types import Ge, Gt, Lt
from attrs import frozen

from mtlkit.contracts.backbone import Pooling
from mtlkit.contracts.options import option

Objective = Literal["multiple-negatives-ranking", "cosent", "cosine-similarity"]
Subword = Literal["first", "last", "mean"]
RANKING: Objective = "multiple-negatives-ranking"


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


@frozen
class SentenceEmbedding:
    """One vector for each text, near for texts that belong together (a bi-encoder)."""

    first: str = option("column of the first text, the query", "text")
    second: str = option("column of the second text, the answer", "text_pair")
    objective: Objective = option("the loss", "multiple-negatives-ranking")
    score: str = option("column of the pair's similarity, unused in multiple-negatives-ranking", "score")
    scale: Annotated[float, Gt(0)] = option("factor on cosines (inverse temperature)", 20.0)
    symmetric: bool = option("ranking: also rank the first texts for each second one", False)
    pooling: Pooling = option("how the tokens of a text become one vector", "mean")
    dim: Annotated[int, Ge(0)] = option(
        "size of a linear projection; 0 for the backbone's own vectors", 0, unit="dimensions"
    )
    normalize: bool = option("scale the vectors to length 1", True)

    def columns(self) -> Mapping[str, str]:
        """The columns that are read, by option."""
        texts = {"first": self.first, "second": self.second}
        return texts if self.objective == RANKING else {**texts, "score": self.score}

    def metrics(self) -> tuple[str, ...]:
        """The metrics that are measured."""
        return ("accuracy@1", "mrr") if self.objective == RANKING else ("spearman", "pearson")
