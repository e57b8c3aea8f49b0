"""Predictions that carry scores: text and lists as any other, with what the head thought of every class."""

from collections.abc import Iterable, Mapping


class ScoredLabel(str):
    """A predicted label; `scores` says how likely each class is, by name."""

    __slots__ = ("scores",)
    scores: Mapping[str, float]

    def __new__(cls, label: str, scores: Mapping[str, float]) -> "ScoredLabel":
        """The label with its scores."""
        made = super().__new__(cls, label)
        made.scores = scores
        return made


class ScoredLabels(list[str]):
    """Predicted labels, several or none; `scores` says how likely each class is, by name."""

    __slots__ = ("scores",)

    def __init__(self, labels: Iterable[str], scores: Mapping[str, float]) -> None:
        super().__init__(labels)
        self.scores = scores
