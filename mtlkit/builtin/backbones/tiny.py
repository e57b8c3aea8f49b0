"""A small random encoder, so that tests and dry runs need no download and no transformers.

A BERT-like post-norm transformer encoder (Vaswani et al. 2017) over hashed words.
Shapes: B rows of a batch, T tokens of the longest row, H hidden size, L blocks.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from zlib import crc32

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  the name torch's own documentation uses

from mtlkit.builtin.backbones.options import Tiny
from mtlkit.builtin.backbones.token_batch import NO_WORD, Batch, TokenRow, pad_rows, text_of, words_of
from mtlkit.contracts.backbone import Features
from mtlkit.contracts.data import Value
from mtlkit.contracts.params import Role

PADDING, CLS, SEP, SPECIALS = 0, 1, 2, 3
_WORD = re.compile(r"\w+|[^\w\s]")


class Block(nn.Module):
    """Self-attention and a feed-forward layer, each added to its input and normalised."""

    def __init__(self, options: Tiny) -> None:
        super().__init__()
        size = options.hidden_size
        self.heads, self.rate = options.heads, options.dropout
        self.qkv = nn.Linear(size, 3 * size)
        self.out = nn.Linear(size, size)
        self.norm1 = nn.LayerNorm(size)
        self.up = nn.Linear(size, 4 * size)
        self.down = nn.Linear(4 * size, size)
        self.norm2 = nn.LayerNorm(size)
        self.dropout = nn.Dropout(options.dropout)

    def forward(self, hidden: Tensor, mask: Tensor) -> Tensor:
        """Hidden states [B, T, H] after the block; `mask` [B, T] says which tokens may be looked at."""
        rows, length, size = hidden.shape
        parts = self.qkv(hidden).view(rows, length, 3, self.heads, size // self.heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        rate = self.rate if self.training else 0.0
        mixed = F.scaled_dot_product_attention(query, key, value, mask[:, None, None, :], rate)
        mixed = self.out(mixed.transpose(1, 2).reshape(rows, length, size))
        hidden = self.norm1(hidden + self.dropout(mixed))
        yielded: Tensor = self.norm2(hidden + self.dropout(self.down(F.gelu(self.up(hidden)))))
        return yielded


class Embeddings(nn.Module):
    """Token plus position embeddings, normalised."""

    def __init__(self, options: Tiny) -> None:
        super().__init__()
        self.tokens = nn.Embedding(options.vocabulary, options.hidden_size)
        self.positions = nn.Embedding(options.max_length, options.hidden_size)
        self.norm = nn.LayerNorm(options.hidden_size)
        self.dropout = nn.Dropout(options.dropout)

    def forward(self, ids: Tensor) -> Tensor:
        """Hidden states [B, T, H] of token ids [B, T]."""
        positions = torch.arange(ids.shape[1], device=ids.device)
        yielded: Tensor = self.dropout(self.norm(self.tokens(ids) + self.positions(positions)))
        return yielded


class TinyBackbone(nn.Module):
    """The backbone `tiny`: its weights are always random, from torch's global generator."""

    def __init__(self, options: Tiny, pretrained: bool = True) -> None:
        super().__init__()
        self.options = options
        self.hidden_size, self.depth = options.hidden_size, options.blocks
        self.embeddings = Embeddings(options)
        self.blocks = nn.ModuleList(Block(options) for _ in range(options.blocks))

    def place(self, name: str) -> tuple[Role, int]:
        """Role and depth of a weight: the embeddings are depth 0, block i is depth i+1."""
        part, _, rest = name.partition(".")
        return ("block", int(rest.partition(".")[0]) + 1) if part == "blocks" else ("embeddings", 0)

    def prepare(self, rows: Sequence[tuple[Value, ...]]) -> list[TokenRow]:
        """Encode rows of one text, two texts or one list of words, each on its own."""
        return [self._encode(row) for row in rows]

    def collate(self, items: Sequence[TokenRow]) -> Batch:
        """A batch padded to its longest row."""
        return pad_rows(items, PADDING)

    def forward(self, batch: Batch) -> Features:
        """Features of the batch."""
        return self.tail(self.stem(batch, 0), batch, 0)

    def stem(self, batch: Batch, depth: int) -> Tensor:
        """Hidden states [B, T, H] below block `depth`+1."""
        return self._run(self.embeddings(batch.ids), batch, 0, depth)

    def tail(self, hidden: Tensor, batch: Batch, depth: int) -> Features:
        """Features from the hidden states that `stem` gave for the same batch and depth."""
        return Features(self._run(hidden, batch, depth, self.depth), batch.mask, batch.words)

    def _run(self, hidden: Tensor, batch: Batch, first: int, last: int) -> Tensor:
        for block in list(self.blocks)[first:last]:
            hidden = block(hidden, batch.mask)
        return hidden

    def _encode(self, row: tuple[Value, ...]) -> TokenRow:
        given = words_of(row)
        segments = [_split(text_of(value)) for value in row] if given is None else [given]
        room = self.options.max_length - 1 - len(segments)
        ids, words = [CLS], [NO_WORD]
        for number, segment in enumerate(segments):
            share = max(room // (len(segments) - number), 0)
            kept = segment[:share]
            room -= len(kept)
            ids += [self._id(word) for word in kept] + [SEP]
            words += [*(range(len(kept)) if given is not None else [NO_WORD] * len(kept)), NO_WORD]
        numbers = None if given is None else np.asarray(words, np.int32)
        return TokenRow(np.asarray(ids, np.int32), None, numbers)

    def _id(self, word: str) -> int:
        # crc32, because hash() of a text differs from process to process
        return SPECIALS + crc32(word.lower().encode()) % (self.options.vocabulary - SPECIALS)


def _split(text: str) -> list[str]:
    return _WORD.findall(text)
