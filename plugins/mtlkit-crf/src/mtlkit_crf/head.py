"""The head `crf`: tag scores of each word from the backbone, and a chain over the tags of a row.

Shapes: B rows, W words of the longest row, H hidden size, C tags.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  the name torch's own documentation uses

import mtlkit
from mtlkit_crf.bio import OUTSIDE, follows
from mtlkit_crf.chain import NEVER, Chain
from mtlkit_crf.metrics import entity_f1, word_accuracy
from mtlkit_crf.options import Crf
from mtlkit_crf.tag_set import IGNORED, TagSet, known_tag
from mtlkit_crf.words import word_vectors


class CrfHead(nn.Module):
    """A tagger of words that weighs whole sequences of tags.

    The chain of a row reaches to the last word that the backbone saw. A word in it without tokens
    scores 0 for all tags and is tagged by its neighbours.

    Raises:
        RecipeError: when there are no tags, or an I tag without its B tag while `constrained`.
    """

    needs: Literal["tokens", "pooled"] = "tokens"
    pooling: mtlkit.Pooling = "mean"

    def __init__(self, options: Crf, context: mtlkit.HeadContext) -> None:
        super().__init__()
        self.options = options
        self.views: tuple[tuple[str, ...], ...] = ((options.tokens,),)
        self.tags = TagSet.of(options, context)
        names = self.tags.names
        self.outside = OUTSIDE if OUTSIDE in names else names[0]
        self.dropout = nn.Dropout(options.dropout)
        self.classifier = nn.Linear(context.hidden_size, len(names))
        self.start = nn.Parameter(torch.zeros(len(names)))
        self.transitions = nn.Parameter(torch.zeros(len(names), len(names)))
        free = not options.constrained
        first = torch.tensor([free or follows(None, tag) for tag in names])
        then = torch.tensor([[free or follows(before, tag) for tag in names] for before in names])
        self.register_buffer("may_start", first, persistent=False)
        self.register_buffer("may_follow", then, persistent=False)

    def targets(self, rows: Sequence[mtlkit.Record]) -> Tensor:
        """Tag numbers [B, W]; -100 after the last word and where a tag is missing.

        Raises:
            RecipeError: when a tag is not in the head's tag set, or breaks the constraints.
            DataError: when a row has more or fewer tags than words.
        """
        numbers = [self.tags.numbers(row) for row in rows]
        width = max(map(len, numbers), default=0)
        padded = [[*row, *[IGNORED] * (width - len(row))] for row in numbers]
        return torch.tensor(padded, dtype=torch.long).reshape(len(rows), width)

    def count(self, targets: Tensor) -> float:
        """The tagged words, those beyond the backbone's `max_length` too: they add no loss."""
        return float((targets != IGNORED).sum())

    def forward(self, features: Sequence[mtlkit.Features]) -> Tensor:
        """Tag scores [B, W, C] of the words; -inf for all tags after the last word seen of a row."""
        vectors, seen = word_vectors(features[0], self.options.subword)
        scores: Tensor = self.classifier(self.dropout(vectors.to(self.classifier.weight.dtype)))
        # A word is within the chain where it or any later word has a token.
        alive = seen.flip(1).cumsum(1).flip(1) > 0
        scores = scores.masked_fill(~seen.unsqueeze(-1), 0.0)
        return scores.masked_fill(~alive.unsqueeze(-1), NEVER)

    def loss(self, output: Tensor, targets: Tensor) -> mtlkit.LossTerm:
        """Negative log-likelihood in nats, summed over the rows; the count is that of tagged words."""
        emissions, alive = self._emissions(output)
        width = emissions.shape[1]
        # Pads where there are fewer targets than words, cuts where there are more.
        tags = F.pad(targets, (0, width - targets.shape[1]), value=IGNORED)
        rows = self._chain(emissions.dtype).negative_log_likelihood(emissions, alive, tags)
        return mtlkit.LossTerm(rows.sum(), self.count(targets))

    def decode(self, output: Tensor) -> list[list[str]]:
        """The tags of the best sequence of each row, up to the last word seen."""
        emissions, alive = self._emissions(output)
        best = self._chain(emissions.dtype).best(emissions, alive).tolist()
        lengths = alive.sum(1).tolist()
        names = self.tags.names
        return [[names[tag] for tag in row[:length]] for row, length in zip(best, lengths, strict=True)]

    def metrics(
        self, predictions: Sequence[Sequence[str]], rows: Sequence[mtlkit.Record]
    ) -> tuple[mtlkit.Measure, ...]:
        """Entity F1 and word accuracy over the rows with tags; words cut off count as outside."""
        predicted, gold = [], []
        for tags, row in zip(predictions, rows, strict=True):
            wanted = [known_tag(cell) for cell in row.get(self.options.label) or []]
            if any(tag is not None for tag in wanted):
                gold.append(wanted)
                predicted.append([*tags, *[self.outside] * len(wanted)][: len(wanted)])
        return (entity_f1(predicted, gold), word_accuracy(predicted, gold)) if gold else ()

    def _emissions(self, output: Tensor) -> tuple[Tensor, Tensor]:
        """Scores [B, W, C] in float32 or wider, and which words are in the chain [B, W].

        At least two words wide, so that every weight has a gradient in every batch.
        """
        wide = torch.promote_types(torch.promote_types(output.dtype, self.start.dtype), torch.float32)
        scores = F.pad(output.to(wide), (0, 0, 0, max(2 - output.shape[1], 0)), value=NEVER)
        return scores, scores[..., 0] != NEVER

    def _chain(self, dtype: torch.dtype) -> Chain:
        start, transitions = self.start.to(dtype), self.transitions.to(dtype)
        return Chain(
            start.masked_fill(~self.get_buffer("may_start"), NEVER),
            transitions.masked_fill(~self.get_buffer("may_follow"), NEVER),
        )
