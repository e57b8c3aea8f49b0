"""The head `dependency`: for each word of a sentence the word that it depends on, and how.

Shapes: B rows, W words of the longest row, A and R sizes of the vectors for arcs and relations, C relations.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Self

import numpy as np
import torch
from attrs import frozen
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  the name torch's own documentation uses

from mtlkit.builtin.heads.biaffine import ArcScores, RelationScores, Roles
from mtlkit.builtin.heads.label_set import IGNORED, LabelSet
from mtlkit.builtin.heads.tree_options import Dependency
from mtlkit.builtin.heads.trees import best_tree, greedy
from mtlkit.builtin.heads.word_reader import WordReader
from mtlkit.builtin.heads.words import NO_SCORE, cells_of, lengths_of, table_of
from mtlkit.builtin.metrics.attachment import Arc
from mtlkit.builtin.metrics.choice import OF_TREES
from mtlkit.contracts.backbone import Features, Pooling
from mtlkit.contracts.data import Record, Value
from mtlkit.contracts.head import HeadContext, LossTerm, Measure
from mtlkit.errors import DataError

NOWHERE: Arc = (-1, "")
"""What stands in a metric for a word that was cut off."""
Prediction = dict[str, list[int | None] | list[str | None]]
"""`heads` and `relations` of a sentence's words; None for a word without tokens."""


@frozen(eq=False)
class Trees:
    """Heads and relations of words as numbers, both [B, W]; -100 where one is missing."""

    heads: Tensor
    relations: Tensor

    def to(self, device: torch.device | str) -> Self:
        """The same on another device."""
        return type(self)(self.heads.to(device), self.relations.to(device))


class DependencyHead(nn.Module):
    """A dependency parser (Dozat & Manning 2017).

    The scores are what each word is as a dependent and as a head; arcs and relations are scored from them
    in the loss, relations only between a word and its right head, and in decoding, relations only between
    a word and the head found.

    Raises:
        RecipeError: when there are no relations, or a layer is none of the backbone's.
    """

    needs: Literal["tokens"] = "tokens"
    pooling: Pooling = "mean"

    def __init__(self, options: Dependency, context: HeadContext) -> None:
        super().__init__()
        self.options = options
        self.views: tuple[tuple[str, ...], ...] = ((options.tokens,),)
        self.words = WordReader(options, context)
        self.layers = self.words.depths
        self.labels = LabelSet.of(options.labels, options.label, context)
        self.roles = Roles(options, self.words.size)
        self.arcs = ArcScores(options.arc_size)
        self.relations = RelationScores(options.relation_size, len(self.labels.names))

    def targets(self, rows: Sequence[Record]) -> Trees:
        """Heads and relations of the words, -100 where they are missing and after the last word.

        Raises:
            RecipeError: when a relation is not in the head's label set.
            DataError: when a row has more or fewer heads or relations than words, or a head is no word.
        """
        heads = [[IGNORED if head is None else head for head in self._heads(row)] for row in rows]
        relations = [
            [self.labels.number(cell, row.get(self.options.tokens)) for cell in self._relations(row)]
            for row in rows
        ]
        width = max((*map(len, heads), *map(len, relations)), default=0)
        tables = [[[*row, *[IGNORED] * (width - len(row))] for row in side] for side in (heads, relations)]
        return Trees(*map(table_of, tables))

    def count(self, targets: Trees) -> float:
        """The words of known head, those that were cut off too: they add no loss."""
        return float((targets.heads != IGNORED).sum())

    def forward(self, features: Sequence[Features]) -> Tensor:
        """Vectors [B, 1+W, 2A+2R] of the root and the words; -inf for a word without tokens."""
        words, seen = self.words(features[0])
        roles: Tensor = self.roles(words)
        return roles.masked_fill(~F.pad(seen, (1, 0), value=True).unsqueeze(-1), NO_SCORE)

    def loss(self, output: Tensor, targets: Trees) -> LossTerm:
        """Cross-entropy of the heads, and of the relations to the right heads, summed over words.

        Words whose head is not known, and those of which it or they were cut off, add nothing.
        """
        arcs, dependents, heads, seen = self._scores(output)
        width = min(arcs.shape[1], targets.heads.shape[1])
        arcs, wanted = arcs[:, :width], targets.heads[:, :width]
        at = wanted.clamp(0, arcs.shape[2] - 1)
        chosen = (wanted == at) & seen[:, 1 : width + 1] & seen.gather(1, at)
        total = F.cross_entropy(arcs[chosen], at[chosen], reduction="sum")
        named = targets.relations[:, :width]
        known = chosen & (named != IGNORED)
        rows, places = known.nonzero(as_tuple=True)
        scores = self.relations(dependents[rows, places], heads[rows, at[rows, places]])
        return LossTerm(total + F.cross_entropy(scores, named[known], reduction="sum"), self.count(targets))

    @torch.no_grad()
    def decode(self, output: Tensor) -> list[Prediction]:
        """The tree of the words that the backbone saw, and its relations, up to the last word seen."""
        arcs, dependents, heads, seen = self._scores(output)
        lengths = lengths_of(seen[:, 1:]).tolist()
        return [
            self._tree(arcs[row, :length], dependents[row, :length], heads[row], seen[row, : length + 1])
            for row, length in enumerate(lengths)
        ]

    def metrics(self, predictions: Sequence[Prediction], rows: Sequence[Record]) -> tuple[Measure, ...]:
        """LAS and UAS over the words of known head, LAS of known relation too; words cut off are wrong."""
        predicted, gold = [], []
        for found, row in zip(predictions, rows, strict=True):
            wanted = self._heads(row)
            if all(head is None for head in wanted):
                continue
            mine = [
                NOWHERE if head is None else (int(head), str(relation))
                for head, relation in zip(found["heads"], found["relations"], strict=True)
            ]
            predicted.append([*mine, *[NOWHERE] * len(wanted)][: len(wanted)])
            gold.append((wanted, self._relations(row) or [None] * len(wanted)))
        if not gold:
            return ()
        both: list[list[Arc | None]] = [
            [
                None if head is None or not label else (head, str(label))
                for head, label in zip(*each, strict=True)
            ]
            for each in gold
        ]
        plain: list[list[Arc | None]] = [
            [None if head is None else (head, "") for head in heads] for heads, _ in gold
        ]
        sides = {"las": both, "uas": plain}
        return tuple(OF_TREES[name](predicted, sides[name]) for name in self.options.metrics())

    def _scores(self, output: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Arc scores [B, W, 1+W], dependents and heads of relations, and which words were seen [B, 1+W].

        An arc from a word that was not seen, or from the word itself, scores -inf.
        """
        seen = output[..., 0] != NO_SCORE
        parts = self.roles.split(output.masked_fill(~seen.unsqueeze(-1), 0.0))
        arcs = self.arcs(parts[0], parts[1])
        places = torch.arange(arcs.shape[2], device=arcs.device)
        itself = places[1:, None] == places
        return arcs.masked_fill(~seen.unsqueeze(1) | itself, NO_SCORE), parts[2], parts[3], seen

    def _tree(self, arcs: Tensor, dependents: Tensor, heads: Tensor, seen: Tensor) -> Prediction:
        """The prediction of one row: `arcs` [n, 1+W], `dependents` [n, R], `heads` [1+W, R], `seen` [1+n]."""
        words = seen[1:].nonzero().flatten()
        places = F.pad(words + 1, (1, 0))
        scores = arcs[words][:, places].double().cpu().numpy()
        finite = np.where(np.isfinite(scores), scores, 0.0)  # a word as its own head, which is never taken
        local = best_tree(finite) if self.options.decode == "mst" else greedy(finite)
        found = places[torch.from_numpy(local).to(places.device)]
        best = self.relations(dependents[words], heads[found]).argmax(-1).tolist()
        answer: list[tuple[int | None, str | None]] = [(None, None)] * len(arcs)
        for word, head, relation in zip(words.tolist(), found.tolist(), best, strict=True):
            answer[word] = head, self.labels.names[relation]
        return {"heads": [head for head, _ in answer], "relations": [relation for _, relation in answer]}

    def _heads(self, row: Record) -> list[int | None]:
        cells = cells_of(row, self.options.tokens, self.options.heads, "heads")
        return [self._number(cell, len(cells), place) for place, cell in enumerate(cells, 1)]

    def _number(self, cell: Value, words: int, place: int) -> int | None:
        if cell is None or cell == "":
            return None
        number = int(cell) if isinstance(cell, int) or (isinstance(cell, str) and cell.isdecimal()) else -1
        if not 0 <= number <= words or number == place:
            message = f"the head of word {place} of {words} is {cell!r}"
            raise DataError(
                message, f"{self.options.heads!r} holds 0 for the root or the number of another word"
            )
        return number

    def _relations(self, row: Record) -> Sequence[Value]:
        return cells_of(row, self.options.tokens, self.options.label, "relations")
