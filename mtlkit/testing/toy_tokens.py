"""A toy tokenizer: rows of a view cut into numbered pieces that know their word, their text and their place.

What a backbone that reads text says of its tokens, heads under test are told of these.
Shapes: T tokens of a row, V ids, H size of their embeddings.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from random import Random
from typing import Any
from zlib import crc32

import numpy as np
import torch
from attrs import frozen

from mtlkit.contracts.backbone import Vocabulary

PADDING, CLS, SEP, MASK = range(4)
SIZE, SPECIALS = 40, 4
NOWHERE = (0, 0)
_WORD = re.compile(r"\w+|[^\w\s]")
Piece = tuple[int, int, int, tuple[int, int]]


@frozen(eq=False)
class ToyRow:
    """A prepared row, as a backbone has it: `ids`, `words` and `texts` [T], `spans` [T, 2]."""

    ids: np.ndarray
    words: np.ndarray
    texts: np.ndarray
    spans: np.ndarray

    def __len__(self) -> int:
        return len(self.ids)


def toy_vocabulary(width: int, mask: int | None = MASK) -> Vocabulary:
    """The vocabulary of the toy tokens, with embeddings [V, `width`]; on torch's default device."""
    # Made without a generator, which torch's meta device does not have.
    values = torch.sin(torch.arange(SIZE * width, dtype=torch.float32)).reshape(SIZE, width)
    special = frozenset(range(SPECIALS))
    return Vocabulary(SIZE, PADDING, special, mask, torch.nn.Parameter(values), toy_names)


def toy_names(ids: Sequence[int]) -> list[str]:
    """How toy tokens are spelt."""
    return [f"<{number}>" if number < SPECIALS else f"t{number}" for number in ids]


def toy_row(cells: Sequence[Any], longest: int, rng: Random) -> ToyRow:
    """A row of texts or one list of words as tokens, special ones around them; often cut.

    There are at most 2 · `longest` tokens, of a text often fewer; with `longest` 1 just one.
    """
    listed = len(cells) == 1 and isinstance(cells[0], list | tuple)
    pieces = _of_words(cells[0], rng) if listed else _of_texts(cells, rng)
    if longest == 1:
        pieces = [piece for piece in pieces if listed and piece[0] > SEP][:1] or pieces[:1]
    elif listed or (len(cells) > 1 and rng.random() < 0.5):
        pieces = pieces[: 2 * longest]
    else:
        pieces = [*pieces[:-1][: rng.randint(1, longest) + 1], pieces[-1]][: 2 * longest]
    ids, words, texts, spans = zip(*pieces, strict=True)
    return ToyRow(*(np.asarray(each, np.int32) for each in (ids, words, texts, spans)))


def _of_words(words: Sequence[Any], rng: Random) -> list[Piece]:
    """The pieces of a list of words: each word has a number, spans are places in the word."""
    found = [
        (number, word, 0, span)
        for at, word in enumerate(words)
        for number, word, span in _pieces("" if word is None else str(word), at, rng)
    ]
    return [(CLS, -1, -1, NOWHERE), *found, (SEP, -1, -1, NOWHERE)]


def _of_texts(cells: Sequence[Any], rng: Random) -> list[Piece]:
    """The pieces of one or more texts: words have no numbers, spans are places in the text."""
    found: list[Piece] = [(CLS, -1, -1, NOWHERE)]
    for at, cell in enumerate(cells):
        text = "" if cell is None else str(cell)
        for match in _WORD.finditer(text):
            first = match.start()
            for number, _, (begin, end) in _pieces(match.group(), -1, rng):
                found.append((number, -1, at, (first + begin, first + end)))
        found.append((SEP, -1, -1, NOWHERE))
    return found


def _pieces(word: str, at: int, rng: Random) -> Iterator[tuple[int, int, tuple[int, int]]]:
    """One to three pieces of a word, each with its id, the word's number and its place in the word."""
    count = max(1, min(rng.choice((1, 1, 2, 3)), len(word)))
    ends = [len(word) * (number + 1) // count for number in range(count)]
    for begin, end in zip([0, *ends], ends, strict=False):
        # crc32, because hash() of a text differs from process to process
        yield SPECIALS + crc32(word[begin:end].encode()) % (SIZE - SPECIALS), at, (begin, end)
