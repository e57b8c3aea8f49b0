"""What heads for given spans have in common: labels of several places of a row, in a table.

Shapes: B rows, S spans (or pairs of spans) of the row that has most, C classes.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from mtlkit.builtin.heads.classes import Classes
from mtlkit.builtin.heads.label_set import IGNORED
from mtlkit.builtin.heads.words import NO_SCORE, lengths_of
from mtlkit.builtin.metrics.names import PlaceMetric
from mtlkit.builtin.metrics.places import of_places
from mtlkit.contracts.data import Value
from mtlkit.contracts.head import LossTerm, Measure

Labels = Sequence[str | None]


def table_loss(classes: Classes, output: Tensor, targets: Tensor) -> LossTerm:
    """Cross-entropy summed over the labelled places [B, S] that have scores [B, S, C]; -inf is none."""
    width = min(output.shape[1], targets.shape[1])
    scores, wanted = output[:, :width], targets[:, :width]
    chosen = (wanted != IGNORED) & (scores[..., 0] != NO_SCORE)
    return LossTerm(classes.loss(scores[chosen], wanted[chosen]).sum, classes.count(targets))


def best_labels(classes: Classes, output: Tensor) -> list[list[str | None]]:
    """The best label of each place of each row up to the last one with scores; None where there are none."""
    if not output.shape[1]:
        return [[] for _ in output]
    seen = output[..., 0] != NO_SCORE
    best = torch.where(seen, output.argmax(-1), -1).tolist()
    names = [*classes.labels.names, None]
    lengths = lengths_of(seen).tolist()
    return [[names[number] for number in row[:length]] for row, length in zip(best, lengths, strict=True)]


def known_labels(labels: Sequence[Value], ignored: Sequence[str]) -> list[str | None]:
    """The labels as text, None where one is missing."""
    missing = (label is None or label == "" or str(label) in ignored for label in labels)
    return [None if none else str(label) for none, label in zip(missing, labels, strict=True)]


def place_measures(
    chosen: Sequence[PlaceMetric], predicted: Sequence[Labels], gold: Sequence[Labels], names: Sequence[str]
) -> tuple[Measure, ...]:
    """The metrics chosen, over the rows that have a label; a place without prediction is missed."""
    rows = [(mine, theirs) for mine, theirs in zip(predicted, gold, strict=True) if any(theirs)]
    if not rows:
        return ()
    found = [_sets([*mine, *[None] * len(theirs)][: len(theirs)]) for mine, theirs in rows]
    known = [[None if label is None else {label} for label in theirs] for _, theirs in rows]
    return of_places(chosen, found, known, names)


def _sets(labels: Labels) -> list[set[str]]:
    return [set() if label is None else {label} for label in labels]
