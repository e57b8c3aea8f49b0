"""Options of the head for answers in a text; light, so that recipes are checked without torch."""

from collections.abc import Mapping
from random import Random
from typing import Annotated

from annotated_types import Ge
from attrs import frozen

from mtlkit.builtin.heads.option_fields import (
    Activation,
    Hidden,
    Layers,
    Share,
    activation_field,
    dropout_field,
    hidden_field,
    layers_field,
    metrics_field,
)
from mtlkit.builtin.metrics.names import AnswerMetric
from mtlkit.contracts.data import Record
from mtlkit.contracts.options import option

WORDS = ("one", "two", "New", "York", "été", "x", "very", "long")


@frozen
class ExtractiveQa:
    """The part of a text that answers a question, or that there is none."""

    question: str = option("column of the question", "question")
    context: str = option("column of the text that the answer is in", "context")
    answers: str = option(
        "column of the right answers, a list of texts; empty where there is none", "answers"
    )
    starts: str = option(
        "column of where each begins, in characters of the text from 0; empty where `answers` holds both, as "
        "{ text = [...], answer_start = [...] }",
        "starts",
    )
    unanswerable: bool = option("whether a text may have no answer in it", True)
    null_threshold: float = option(
        "how much more than the best answer, in logits, `no answer` must score to be predicted", 0.0
    )
    max_answer: Annotated[int, Ge(1)] = option("tokens of a predicted answer at most", 30, unit="tokens")
    layers: Layers = layers_field()
    hidden: Hidden = hidden_field()
    activation: Activation = activation_field()
    dropout: Share = dropout_field()
    _metrics: tuple[AnswerMetric, ...] = metrics_field(("answer-f1", "exact-match"))

    def columns(self) -> Mapping[str, str]:
        """The columns that are read, by option."""
        starts = {"starts": self.starts} if self.starts else {}
        return {"question": self.question, "context": self.context, "answers": self.answers, **starts}

    def metrics(self) -> tuple[AnswerMetric, ...]:
        """The metrics that are measured."""
        return self._metrics

    def examples(self, count: int, rng: Random) -> list[Record]:
        """Rows of made-up texts of which a word is the answer."""
        return [self._example(rng) for _ in range(count)]

    def _example(self, rng: Random) -> Record:
        words = [rng.choice(WORDS) for _ in range(rng.randint(1, 6))]
        place = rng.randrange(len(words))
        start = len(" ".join([*words[:place], ""]))
        row = {self.question: f"where is {words[place]}?", self.context: " ".join(words)}
        if self.starts:
            return {**row, self.answers: [words[place]], self.starts: [start]}
        return {**row, self.answers: {"text": [words[place]], "answer_start": [start]}}
