"""The head `token-classification`: a tag for each word, from its first, last or mean token.

Words are scored, not tokens (Devlin et al. 2019, section 5.3, use the first token of a word).
Shapes: B rows, T tokens, W words of the longest row, H hidden size, C tags.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, cast

import torch
from torch import Tensor, nn

from mtlkit.builtin.heads.best_tags import best_tags, rules
from mtlkit.builtin.heads.classes import Classes, ClassOptions
from mtlkit.builtin.heads.label_set import IGNORED
from mtlkit.builtin.heads.tag_schemes import impossible, lone
from mtlkit.builtin.heads.token_options import TokenClassification
from mtlkit.builtin.heads.tower import Tower
from mtlkit.builtin.heads.word_reader import WordReader
from mtlkit.builtin.heads.words import NO_SCORE, cells_of, lengths_of, table_of
from mtlkit.builtin.metrics.choice import of_tags
from mtlkit.builtin.metrics.entity_f1 import OUTSIDE
from mtlkit.contracts.backbone import Features, Pooling
from mtlkit.contracts.data import Record, Value
from mtlkit.contracts.head import HeadContext, LossTerm, Measure
from mtlkit.errors import Problem, RecipeError

UNLIKELY = -1e4


class TokenClassificationHead(nn.Module):
    """A tagger of words.

    With a `scheme`, the tags predicted are the sequence with the highest product of probabilities among those
    that the scheme allows; without one, each word has its best tag.

    Raises:
        RecipeError: when there are no tags, a class weight names none of them, a layer is none of the
            backbone's, or a tag could never stand in a sequence of the scheme.
    """

    needs: Literal["tokens"] = "tokens"
    pooling: Pooling = "mean"

    def __init__(self, options: TokenClassification, context: HeadContext) -> None:
        super().__init__()
        self.options = options
        self.views: tuple[tuple[str, ...], ...] = ((options.tokens,),)
        self.words = WordReader(options, context)
        self.layers = self.words.depths
        # The metrics of classes are of rows; those of words are measured here.
        self.classes = Classes(cast(ClassOptions, options), context)
        names = self.classes.labels.names
        _check_scheme(options, names, context.task)
        self.outside = OUTSIDE if OUTSIDE in names else names[0]
        self.tower = Tower(options, self.words.size, len(names))

    def targets(self, rows: Sequence[Record]) -> Tensor:
        """Tag numbers [B, W]; -100 after the last word and where a tag is missing.

        Raises:
            RecipeError: when a tag is not in the head's label set.
            DataError: when a row has more or fewer tags than words.
        """
        return table_of([self._numbers(row) for row in rows])

    def count(self, targets: Tensor) -> float:
        """The tagged words with the weights of their tags, those that were cut off too: they add no loss."""
        return self.classes.count(targets)

    def forward(self, features: Sequence[Features]) -> Tensor:
        """Scores [B, W, C] of the words that the backbone saw; -inf for all tags of a word without tokens."""
        words, seen = self.words(features[0])
        scores: Tensor = self.tower(words)
        return scores.masked_fill(~seen.unsqueeze(-1), NO_SCORE)

    def loss(self, output: Tensor, targets: Tensor) -> LossTerm:
        """Cross-entropy summed over the tagged words that the backbone saw."""
        width = min(output.shape[1], targets.shape[1])
        scores, wanted = output[:, :width], targets[:, :width]
        chosen = (wanted != IGNORED) & (scores[..., 0] != NO_SCORE)
        term = self.classes.loss(scores[chosen], wanted[chosen])
        return LossTerm(term.sum, self.count(targets))

    def decode(self, output: Tensor) -> list[list[str]]:
        """The tags of each row up to the last word seen; the outside tag for a word without tokens."""
        names = self.classes.labels.names
        if not output.shape[1]:
            return [[] for _ in output]
        seen = output[..., 0] != NO_SCORE
        lengths = lengths_of(seen)
        outside = output.new_full((len(names),), UNLIKELY)
        outside[names.index(self.outside)] = 0.0
        scores = torch.where(seen.unsqueeze(-1), output, outside)
        if self.options.scheme == "none":
            best = scores.argmax(-1)
        else:
            allowed = rules(names, self.options.scheme)
            best = best_tags(scores.log_softmax(-1).cpu(), lengths.cpu(), allowed)
        pairs = zip(best.tolist(), lengths.tolist(), strict=True)
        return [[names[number] for number in row[:length]] for row, length in pairs]

    def metrics(self, predictions: Sequence[Sequence[str]], rows: Sequence[Record]) -> tuple[Measure, ...]:
        """The metrics chosen, over the rows with tags; words cut off count as outside."""
        predicted, gold = [], []
        for tags, row in zip(predictions, rows, strict=True):
            cells = [self._known(cell) for cell in row.get(self.options.label) or []]
            if any(cell is not None for cell in cells):
                gold.append(cells)
                predicted.append([*tags, *[self.outside] * len(cells)][: len(cells)])
        if not gold:
            return ()
        return of_tags(self.options.metrics(), predicted, gold, self.classes.labels.names)

    def _numbers(self, row: Record) -> list[int]:
        words = row.get(self.options.tokens)
        cells = cells_of(row, self.options.tokens, self.options.label)
        return [self.classes.labels.number(self._known(cell), words) for cell in cells]

    def _known(self, cell: Value) -> str | None:
        missing = cell is None or cell == "" or str(cell) in self.options.ignore
        return None if missing else str(cell)


def _check_scheme(options: TokenClassification, names: Sequence[str], task: str) -> None:
    path = f"tasks.{task}.head.scheme"
    if lost := impossible(names, options.scheme):
        tag, needed = lost[0]
        message = f"the tag {tag!r} could never be predicted, for {options.scheme} has it beside {needed!r}"
        advice = f'list {needed!r} in `labels`, or say scheme = "none"'
        raise RecipeError(Problem(message, advice, path))
    if not lone(names, options.scheme):
        message = f"no tag may stand alone in {options.scheme}: a row of one word has none"
        raise RecipeError(Problem(message, f"list {OUTSIDE!r} in `labels`", path))
