"""A small decoder that writes a text from one vector.

Shapes: B rows, T tokens, D size of the vectors, V rows of the table of embeddings.
"""

from __future__ import annotations

from math import gcd, log

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  the name torch's own documentation uses

from mtlkit.contracts.backbone import Vocabulary

HEADS = 12
SPREAD = 0.02


class SentenceDecoder(nn.Module):
    """Blocks of causal self-attention and of attention to the vector (Vaswani et al. 2017).

    Its embeddings, on both sides, are the backbone's own where these are of size D, else weights of its own.
    """

    def __init__(self, size: int, vocabulary: Vocabulary, blocks: int) -> None:
        super().__init__()
        tied = vocabulary.table.shape[1] == size
        self.table = vocabulary.table if tied else nn.Parameter(torch.empty(len(vocabulary.table), size))
        if not tied:
            nn.init.normal_(self.table, std=SPREAD)
        self.bias = nn.Parameter(torch.zeros(len(vocabulary.table)))
        self.blocks = nn.ModuleList(
            nn.TransformerDecoderLayer(
                size, gcd(size, HEADS), 4 * size, activation=F.gelu, batch_first=True, norm_first=False
            )
            for _ in range(blocks)
        )

    def forward(self, vectors: Tensor, ids: Tensor) -> Tensor:
        """Scores [B, T, V] of the id after each of `ids` [B, T], of vectors [B, D].

        Padding stands behind the texts, where what comes before does not see it; its ids may be anything
        below 0.
        """
        length = ids.shape[1]
        hidden = F.embedding(ids.clamp(min=0), self.table) + waves(length, vectors)
        later = torch.ones(length, length, dtype=torch.bool, device=ids.device).triu(1)
        for block in self.blocks:
            hidden = block(hidden, vectors.unsqueeze(1), tgt_mask=later)
        return F.linear(hidden, self.table, self.bias)


def waves(length: int, like: Tensor) -> Tensor:
    """Positions as sines and cosines [T, D] of falling frequencies (Vaswani et al. 2017, section 3.5)."""
    size = like.shape[-1]
    places = torch.arange(length, device=like.device, dtype=torch.float32)[:, None]
    dimensions = torch.arange(size, device=like.device)
    rates = torch.exp(-log(10_000.0) * (dimensions // 2 * 2) / size)
    angles = places * rates
    return torch.where(dimensions % 2 == 0, angles.sin(), angles.cos()).to(like.dtype)
