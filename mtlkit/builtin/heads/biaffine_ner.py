"""The head `biaffine-ner`: every span of words up to a width is scored, and those taken that fit together.

Shapes: B rows, W words of the longest row, M words of a span at most, C classes; K scores of a span: the
classes, and before them in `biaffine` that of no entity.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  the name torch's own documentation uses

from mtlkit.builtin.heads.entity_tables import (
    EntityLabels,
    EntityTargets,
    certain,
    entities_of,
    entity_targets,
)
from mtlkit.builtin.heads.span_choice import Candidate, chosen
from mtlkit.builtin.heads.span_options import BiaffineNer
from mtlkit.builtin.heads.span_scorers import BiaffineScorer, GlobalPointer, windows
from mtlkit.builtin.heads.word_reader import WordReader
from mtlkit.builtin.heads.words import NO_SCORE
from mtlkit.builtin.metrics.choice import of_sets
from mtlkit.contracts.backbone import Features, Pooling
from mtlkit.contracts.data import Record
from mtlkit.contracts.head import HeadContext, LossTerm, Measure

Prediction = list[list[int | str]]
"""Entities as [begin, end, label], the end exclusive."""


class BiaffineNerHead(nn.Module):
    """A finder of entities that may nest.

    `biaffine` is learned by a softmax over the classes and "no entity" for every span (Yu et al. 2020), so
    that a span has one label at most; `global-pointer` by its own loss, in which all entities of a class
    score above 0 and all other spans below (Su et al. 2022, equation 6), and a span may have several.

    Raises:
        RecipeError: when there are no classes, or a layer is none of the backbone's.
    """

    needs: Literal["tokens"] = "tokens"
    pooling: Pooling = "mean"

    def __init__(self, options: BiaffineNer, context: HeadContext) -> None:
        super().__init__()
        self.options = options
        self.views: tuple[tuple[str, ...], ...] = ((options.tokens,),)
        self.words = WordReader(options, context)
        self.layers = self.words.depths
        self.labels = EntityLabels.of(options, context)
        self.pointing = options.scorer == "global-pointer"
        scorer, classes = GlobalPointer if self.pointing else BiaffineScorer, len(self.labels.names)
        self.scorer = scorer(options, self.words.size, classes if self.pointing else classes + 1)

    def targets(self, rows: Sequence[Record]) -> EntityTargets:
        """The spans that are entities, those that are known, and the number of known words.

        Raises:
            RecipeError: when a label is not in the head's label set.
            DataError: when the columns do not fit each other, or a span is not within the row's words.
        """
        return entity_targets(rows, self.options, self.labels)

    def count(self, targets: EntityTargets) -> float:
        """The known words, those that were cut off too: they add no loss."""
        return float(targets.words.sum())

    def forward(self, features: Sequence[Features]) -> Tensor:
        """Scores [B, W, M, K] of the spans; -inf where the backbone did not see the first or last word."""
        words, seen = self.words(features[0])
        width = self.options.max_width
        scores: Tensor = self.scorer(words, width)
        last = windows(seen.unsqueeze(-1).to(torch.uint8), width).squeeze(-1) > 0
        return scores.masked_fill(~(last & seen.unsqueeze(-1)).unsqueeze(-1), NO_SCORE)

    def loss(self, output: Tensor, targets: EntityTargets) -> LossTerm:
        """The loss summed over known spans that the backbone saw; counted by words, not by spans."""
        length = min(output.shape[1], targets.known.shape[1])
        scores, gold = output[:, :length], targets.gold[:, :length]
        known = targets.known[:, :length] & (scores[..., 0] != NO_SCORE)
        scores = scores.to(torch.promote_types(scores.dtype, torch.float32))
        if self.pointing:
            total = _pointed(scores, gold, known)
        else:
            wanted = gold.int().argmax(-1) + 1
            wanted = torch.where(gold.any(-1), wanted, 0)
            total = F.cross_entropy(scores[known], wanted[known], reduction="sum")
        return LossTerm(total, self.count(targets))

    def decode(self, output: Tensor) -> list[Prediction]:
        """The entities of each row, in the order of their words."""
        if self.pointing:
            scores, found = output, output > 0
        else:
            scores = output[..., 1:]
            best = F.one_hot(scores.argmax(-1), scores.shape[-1]).bool() if scores.numel() else scores > 0
            found = best & (scores > output[..., :1])
        candidates: list[list[Candidate]] = [[] for _ in output]
        values = scores[found].tolist()
        for (row, begin, more, label), score in zip(found.nonzero().tolist(), values, strict=True):
            name = self.labels.names[label]
            candidates[row].append(Candidate(begin, begin + more + 1, name, score))
        nested = self.options.nested
        return [
            [[each.begin, each.end, each.label] for each in chosen(row, nested=nested)] for row in candidates
        ]

    def metrics(self, predictions: Sequence[Prediction], rows: Sequence[Record]) -> tuple[Measure, ...]:
        """The metrics chosen, of exact entities over the labelled rows; those cut off are missed.

        What is predicted where nothing is known counts for nothing.
        """
        predicted, gold = [], []
        for found, row in zip(predictions, rows, strict=True):
            known = entities_of(row, self.options)
            if known.words:
                gold.append(set(known.entities))
                mine = [(int(begin), int(end), str(label)) for begin, end, label in found]
                predicted.append(certain(mine, known, self.options))
        if not gold:
            return ()
        return of_sets(self.options.metrics(), predicted, gold)


def _pointed(scores: Tensor, gold: Tensor, known: Tensor) -> Tensor:
    """Σ log(1 + Σ_entities e^-s) + log(1 + Σ_others e^s), of each class of each row, over known spans."""
    known = known.unsqueeze(-1)
    signed = torch.where(gold, -scores, scores)
    sides = [signed.masked_fill(~(known & side), NO_SCORE).flatten(1, 2) for side in (gold, ~gold)]
    # The 1 is e^0: a score of 0 beside the others.
    return sum((F.pad(side, (0, 0, 1, 0)).logsumexp(1).sum() for side in sides), scores.new_zeros(()))
