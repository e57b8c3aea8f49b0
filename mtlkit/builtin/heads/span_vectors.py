"""One vector for a span of words.

Shapes: B rows, W words of the longest row, S spans of the row that has most, D size of a word, E size of a
span.
"""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  the name torch's own documentation uses

from mtlkit.builtin.heads.span_options import Extractor


class ExtractorOptions(Protocol):
    """What is read of the options of a head for spans."""

    @property
    def extractor(self) -> Extractor:
        """What a span becomes."""
        ...

    @property
    def width_size(self) -> int:
        """The size of the vector of a width, 0 for none."""
        ...

    @property
    def max_width(self) -> int:
        """The widest span with such a vector of its own."""
        ...


class SpanExtractor(nn.Module):
    """Span vectors of `size` E from word vectors.

    `endpoint` puts the first and the last word side by side, `self-attention` weighs the words of the span by
    a softmax of a learned score, as in Lee et al. 2017 (equations 4 to 6) and Tenney et al. 2019 (section
    3.1); `max` takes the element-wise maximum. A learned vector of the width may follow (Lee et al. 2017,
    section 4). Of a span that was cut off in part, the words that are left count.
    """

    def __init__(self, options: ExtractorOptions, size: int) -> None:
        super().__init__()
        self.options = options
        self.score = nn.Linear(size, 1, bias=False) if options.extractor == "self-attention" else None
        width = options.width_size
        self.widths = nn.Embedding(options.max_width, width) if width else None
        self.size = size * (2 if options.extractor == "endpoint" else 1) + width

    def forward(self, words: Tensor, seen: Tensor, spans: Tensor) -> tuple[Tensor, Tensor]:
        """Vectors [B, S, E] and which spans [B, S] have a word that was seen; zeros for the others.

        `words` [B, W, D], `seen` [B, W] as of a `WordReader`; `spans` [B, S, 2] begins and ends, -1 for none.
        """
        words, seen = F.pad(words, (0, 0, 0, 1)), F.pad(seen, (0, 1))  # at least one word
        places = torch.arange(seen.shape[1], device=seen.device)
        begins, ends = spans.unsqueeze(-1).unbind(-2)
        inside = (places >= begins) & (places < ends) & seen.unsqueeze(1)
        vectors = self._vectors(words, inside, places)
        if self.widths is not None:
            width = (spans[..., 1] - spans[..., 0]).clamp(1, self.options.max_width) - 1
            vectors = torch.cat([vectors, self.widths(width).to(vectors.dtype)], -1)
        alive = inside.any(-1)
        return vectors.masked_fill(~alive.unsqueeze(-1), 0.0), alive

    def _vectors(self, words: Tensor, inside: Tensor, places: Tensor) -> Tensor:
        if self.score is not None:
            scores = self.score(words).transpose(1, 2)
            scores = scores.masked_fill(~inside, torch.finfo(scores.dtype).min)
            shares: Tensor = scores.softmax(-1).masked_fill(~inside, 0.0)
            return shares.to(words.dtype) @ words
        if self.options.extractor == "max":
            lowest = torch.finfo(words.dtype).min
            return words.unsqueeze(1).masked_fill(~inside.unsqueeze(-1), lowest).amax(2)
        ends = [
            torch.where(inside, places, len(places)).amin(-1) % len(places),
            torch.where(inside, places, 0).amax(-1),
        ]
        rows = torch.arange(len(words), device=words.device)[:, None]
        return torch.cat([words[rows, end] for end in ends], -1)
