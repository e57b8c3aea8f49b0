"""The head `token-classification`: a tag for each word, from its first, last or mean token.

Words are scored, not tokens (Devlin et al. 2019, section 5.3, use the first token of a word).
Shapes: B rows, T tokens, W words of the longest row, H hidden size, C tags.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  the name torch's own documentation uses

from mtlkit.builtin.heads.label_set import IGNORED, LabelSet
from mtlkit.builtin.heads.options import TokenClassification
from mtlkit.builtin.metrics.accuracy import token_accuracy
from mtlkit.builtin.metrics.entity_f1 import OUTSIDE, entity_f1
from mtlkit.contracts.backbone import Features, Pooling
from mtlkit.contracts.data import Record
from mtlkit.contracts.head import HeadContext, LossTerm, Measure
from mtlkit.errors import DataError

NO_SCORE = float("-inf")


class TokenClassificationHead(nn.Module):
    """A tagger of words.

    Raises:
        RecipeError: when there are no tags.
    """

    needs: Literal["tokens"] = "tokens"
    pooling: Pooling = "mean"

    def __init__(self, options: TokenClassification, context: HeadContext) -> None:
        super().__init__()
        self.options = options
        self.views: tuple[tuple[str, ...], ...] = ((options.tokens,),)
        self.labels = LabelSet.of(options.labels, options.label, context)
        names = self.labels.names
        self.outside = OUTSIDE if OUTSIDE in names else names[0]
        self.classifier = nn.Linear(context.hidden_size, len(names))
        self.dropout = nn.Dropout(options.dropout)

    def targets(self, rows: Sequence[Record]) -> Tensor:
        """Tag numbers [B, W]; -100 after the last word and where a tag is missing.

        Raises:
            RecipeError: when a tag is not in the head's label set.
            DataError: when a row has more or fewer tags than words.
        """
        numbers = [self._numbers(row) for row in rows]
        table = torch.full((len(rows), max(map(len, numbers), default=0)), IGNORED, dtype=torch.long)
        for place, row in enumerate(numbers):
            table[place, : len(row)] = torch.tensor(row, dtype=torch.long)
        return table

    def count(self, targets: Tensor) -> float:
        """The tagged words, those beyond the backbone's `max_length` too: they add no loss."""
        return float((targets != IGNORED).sum())

    def forward(self, features: Sequence[Features]) -> Tensor:
        """Scores [B, W, C] of the words that the backbone saw; -inf for all tags of a word without tokens."""
        view = features[0]
        members = torch.where(view.mask, view.words, -1)
        width = int(members.max()) + 1 if members.numel() else 0
        # A masked token may hold anything, and 0 × NaN is NaN: it is replaced, not multiplied away.
        tokens = view.tokens.masked_fill(~view.mask.unsqueeze(-1), 0.0)
        words, seen = self._words(tokens, members, width)
        scores: Tensor = self.classifier(self.dropout(words))
        return scores.masked_fill(~seen.unsqueeze(-1), NO_SCORE)

    def loss(self, output: Tensor, targets: Tensor) -> LossTerm:
        """Cross-entropy summed over the tagged words that the backbone saw."""
        width = min(output.shape[1], targets.shape[1])
        scores, wanted = output[:, :width], targets[:, :width]
        chosen = (wanted != IGNORED) & (scores[..., 0] != NO_SCORE)
        wide = torch.promote_types(output.dtype, torch.float32)
        total = F.cross_entropy(scores[chosen].to(wide), wanted[chosen], reduction="sum")
        return LossTerm(total, self.count(targets))

    def decode(self, output: Tensor) -> list[list[str]]:
        """The best tag of each word up to the last one seen; the outside tag for a word without tokens."""
        seen = output[..., 0] != NO_SCORE
        best = torch.where(seen, output.argmax(-1), self.labels.names.index(self.outside)).tolist()
        numbers = torch.arange(1, output.shape[1] + 1, device=output.device)
        lengths = (seen * numbers).amax(1).tolist() if output.shape[1] else [0] * len(best)
        names = self.labels.names
        return [[names[number] for number in row[:length]] for row, length in zip(best, lengths, strict=True)]

    def metrics(self, predictions: Sequence[Sequence[str]], rows: Sequence[Record]) -> tuple[Measure, ...]:
        """Entity F1 and word accuracy over the rows with tags; words cut off count as outside."""
        predicted, gold = [], []
        for tags, row in zip(predictions, rows, strict=True):
            cells = row.get(self.options.label) or []
            if all(cell is None or cell == "" for cell in cells):
                continue
            gold.append([None if cell is None or cell == "" else str(cell) for cell in cells])
            predicted.append([*tags, *[self.outside] * len(cells)][: len(cells)])
        return (entity_f1(predicted, gold), token_accuracy(predicted, gold)) if gold else ()

    def _words(self, tokens: Tensor, members: Tensor, width: int) -> tuple[Tensor, Tensor]:
        """Vectors [B, W, H] of the words, and which [B, W] have a token."""
        rows, length = members.shape
        if self.options.subword == "mean":
            own = members.unsqueeze(1) == torch.arange(width, device=members.device)[:, None]
            sizes = own.sum(-1, keepdim=True)
            return own.to(tokens.dtype) @ tokens / sizes.clamp(min=1), sizes.squeeze(-1) > 0
        first = self.options.subword == "first"
        places = torch.arange(length, device=members.device).expand(rows, length)
        # Column 0 collects the tokens of no word.
        found = torch.full((rows, width + 1), length if first else -1, device=members.device)
        found = found.scatter_reduce(1, members + 1, places, "amin" if first else "amax")[:, 1:]
        seen = (found >= 0) & (found < length)
        index = torch.where(seen, found, 0).unsqueeze(-1).expand(-1, -1, tokens.shape[-1])
        return tokens.gather(1, index), seen

    def _numbers(self, row: Record) -> list[int]:
        words, tags = row.get(self.options.tokens) or [], row.get(self.options.label)
        if not tags:
            return []
        if isinstance(words, str) or isinstance(tags, str):
            column = self.options.tokens if isinstance(words, str) else self.options.label
            raise DataError(
                f"the column {column!r} holds text, not lists", "one word and one tag for each place"
            )
        if len(tags) != len(words):
            message = f"a row has {len(words)} words but {len(tags)} tags: {' '.join(map(str, words))[:60]!r}"
            raise DataError(message, f"{self.options.label!r} must be as long as {self.options.tokens!r}")
        return [self.labels.number(tag, words) for tag in tags]
