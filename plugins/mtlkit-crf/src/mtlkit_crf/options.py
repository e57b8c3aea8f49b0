"""Options of the head `crf`; light, so that recipes are checked without torch."""

from collections.abc import Mapping
from random import Random
from typing import Annotated, Literal

from annotated_types import Ge, Lt
from attrs import frozen

import mtlkit
from mtlkit_crf.bio import follows, without_begin

EXAMPLE_TAGS = ("B-LOC", "B-PER", "I-LOC", "I-PER", "O")


@frozen
class Crf:
    """One tag for each word of a sentence, scored as a sequence."""

    tokens: str = mtlkit.option("column of the words, a list for each row", "tokens")
    label: str = mtlkit.option("column of the tags, a list as long as the words", "tags")
    labels: tuple[str, ...] = mtlkit.option(
        "the tags in their order; by default those of the training rows", ()
    )
    subword: Literal["first", "last", "mean"] = mtlkit.option("which tokens of a word stand for it", "first")
    dropout: Annotated[float, Ge(0), Lt(1)] = mtlkit.option("dropout rate before the tag scores", 0.1)
    constrained: bool = mtlkit.option("whether I-X must follow B-X or I-X, in training and prediction", True)

    def __attrs_post_init__(self) -> None:
        if twice := sorted({name for name in self.labels if self.labels.count(name) > 1}):
            raise ValueError(f"the label {twice[0]!r} is listed twice")
        if self.constrained and (lost := without_begin(self.labels)):
            raise ValueError(
                f"{lost[0]!r} could never occur: list {'B' + lost[0][1:]!r} too, or set constrained = false"
            )

    def columns(self) -> Mapping[str, str]:
        """The columns that are read, by option."""
        return {"tokens": self.tokens, "label": self.label}

    def metrics(self) -> tuple[str, ...]:
        """The metrics that are measured."""
        return "entity-f1", "token-accuracy"

    def examples(self, count: int, rng: Random) -> list[mtlkit.Record]:
        """Rows of 1 to 8 made-up words, each of which always has the same tag."""
        return [self._example(rng) for _ in range(count)]

    def _example(self, rng: Random) -> mtlkit.Record:
        tags: list[str] = []
        for _ in range(rng.randint(1, 8)):
            before = tags[-1] if tags else None
            names = self.labels or EXAMPLE_TAGS
            tags.append(rng.choice([tag for tag in names if not self.constrained or follows(before, tag)]))
        words = [f"{tag}{rng.randrange(5)}" for tag in tags]
        return {self.tokens: words, self.label: tags}
