"""A small random encoder, so that tests and dry runs need no download and no transformers.

A BERT-like post-norm transformer encoder (Vaswani et al. 2017) over hashed words.
Shapes: B rows of a batch, T tokens of the longest row, H hidden size, L blocks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import cast
from zlib import crc32

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  the name torch's own documentation uses

from mtlkit.builtin.backbones.flat_rows import FORMAT, FlatTokenRows
from mtlkit.builtin.backbones.options import Tiny
from mtlkit.builtin.backbones.token_batch import (
    NO_TEXT,
    NO_WORD,
    Batch,
    Ints,
    TokenRow,
    join_windows,
    pad_rows,
    text_of,
    words_of,
)
from mtlkit.contracts.backbone import Features, Vocabulary
from mtlkit.contracts.data import Value
from mtlkit.contracts.params import Role

PADDING, CLS, SEP, MASK, SPECIALS = 0, 1, 2, 3, 4
MASK_WORD = "[MASK]"
_WORD = re.compile(r"\[MASK\]|\w+|[^\w\s]")
Word = tuple[str, int, int]
"""A word, and where it begins and ends in its text."""


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
        self._kept: dict[int, Tensor] = {}
        self._wanted: frozenset[int] = frozenset()

    def place(self, name: str) -> tuple[Role, int]:
        """Role and depth of a weight: the embeddings are depth 0, block i is depth i+1."""
        part, _, rest = name.partition(".")
        return ("block", int(rest.partition(".")[0]) + 1) if part == "blocks" else ("embeddings", 0)

    def vocabulary(self) -> Vocabulary:
        """The ids that words are hashed into."""
        special = frozenset(range(SPECIALS))
        table = cast(nn.Parameter, self.embeddings.tokens.weight)
        return Vocabulary(self.options.vocabulary, PADDING, special, MASK, table, self.tokens)

    def tokens(self, ids: Sequence[int]) -> list[str]:
        """Names of ids: a hashed word can't be told from its id."""
        names = ("[PAD]", "[CLS]", "[SEP]", MASK_WORD)
        return [names[number] if number < SPECIALS else f"#{number}" for number in ids]

    def prepare(self, rows: Sequence[tuple[Value, ...]]) -> list[TokenRow]:
        """Encode rows of one text, two texts or one list of words; long ones are cut or in windows."""
        return [self._encode(row) for row in rows]

    def locate(self, rows: Sequence[tuple[Value, ...]]) -> list[TokenRow]:
        """The same rows, where each token is in its text included."""
        return self.prepare(rows)

    def flat(self) -> FlatTokenRows:
        """Prepared rows as numbers, known by the options that they depend on."""
        told = self.options
        made = (FORMAT, "tiny", told.vocabulary, told.max_length, told.long_texts, told.overlap)
        return FlatTokenRows(repr(made))

    def collate(self, items: Sequence[TokenRow]) -> Batch:
        """A batch padded to its longest row."""
        return pad_rows(items, PADDING)

    def forward(self, batch: Batch) -> Features:
        """Features of the batch."""
        return self.tail(self.stem(batch, 0), batch, 0)

    def stem(self, batch: Batch, depth: int) -> Tensor:
        """Hidden states [B, T, H] below block `depth`+1."""
        ids = batch.ids if batch.windows is None else batch.windows.apart(batch.ids, PADDING)
        return self._run(self.embeddings(ids), batch, 0, depth)

    def tail(self, hidden: Tensor, batch: Batch, depth: int) -> Features:
        """Features from the hidden states that `stem` gave for the same batch and depth."""
        apart = hidden if batch.windows is None else batch.windows.apart(hidden)
        return Features(self._run(apart, batch, depth, self.depth), batch.mask, batch.words)

    @contextmanager
    def keep(self, depths: Sequence[int]) -> Iterator[Mapping[int, Tensor]]:
        """Keep the states [B, T, H] after these depths of what runs inside the block."""
        before = self._kept, self._wanted
        self._kept, self._wanted = {}, frozenset(depths)
        try:
            yield self._kept
        finally:
            self._kept, self._wanted = before

    def _run(self, hidden: Tensor, batch: Batch, first: int, last: int) -> Tensor:
        """The states of windows after the blocks from `first` to `last`, joined to rows."""
        mask = batch.mask if batch.windows is None else batch.windows.mask
        for depth in range(first, last):
            self._show(depth, hidden, batch)
            hidden = self.blocks[depth](hidden, mask)
        self._show(last, hidden, batch)
        return hidden if batch.windows is None else batch.windows.together(hidden)

    def _show(self, depth: int, hidden: Tensor, batch: Batch) -> None:
        if depth in self._wanted:
            self._kept[depth] = hidden if batch.windows is None else batch.windows.together(hidden)

    def _encode(self, row: tuple[Value, ...]) -> TokenRow:
        given = words_of(row)
        texts = [_split(text_of(value)) for value in row] if given is None else [_whole(given)]
        *before, last = texts
        room = self.options.max_length - 1 - len(texts) - sum(map(len, before))
        overlap = self.options.overlap
        if self.options.long_texts == "cut" or len(last) <= room or room <= 2 * overlap:
            return self._row(self._cut(texts), 0, given is not None)
        starts = range(0, len(last) - overlap, room - overlap)
        windows = [
            self._row([*before, last[start : start + room]], start, given is not None) for start in starts
        ]
        return join_windows(windows, [cast(Ints, window.texts) for window in windows], overlap)

    def _cut(self, texts: Sequence[list[Word]]) -> list[list[Word]]:
        room = self.options.max_length - 1 - len(texts)
        kept: list[list[Word]] = []
        for number, text in enumerate(texts):
            kept.append(text[: max(room // (len(texts) - number), 0)])
            room -= len(kept[-1])
        return kept

    def _row(self, texts: Sequence[list[Word]], first: int, numbered: bool) -> TokenRow:
        """A row of these texts; `first` is the number of the first word where words are `numbered`."""
        ids, words, places, spans = [CLS], [NO_WORD], [NO_TEXT], [(0, 0)]
        for number, text in enumerate(texts):
            ids += [self._id(word) for word, _, _ in text] + [SEP]
            words += [*range(first, first + len(text)), NO_WORD]
            places += [number] * len(text) + [NO_TEXT]
            spans += [(start, end) for _, start, end in text] + [(0, 0)]
        numbers = np.asarray(words, np.int32) if numbered else None
        located = np.asarray(places, np.int32), np.asarray(spans, np.int32)
        return TokenRow(np.asarray(ids, np.int32), None, numbers, *located)

    def _id(self, word: str) -> int:
        if word == MASK_WORD:
            return MASK
        # crc32, because hash() of a text differs from process to process
        return SPECIALS + crc32(word.lower().encode()) % (self.options.vocabulary - SPECIALS)


def _split(text: str) -> list[Word]:
    return [(found[0], *found.span()) for found in _WORD.finditer(text)]


def _whole(words: Sequence[str]) -> list[Word]:
    return [(word, 0, len(word)) for word in words]
