"""From texts, pairs of texts and lists of words to token rows, by a model's own tokenizer."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property, partial
from hashlib import sha256
from typing import Any

import numpy as np
from attrs import define

from mtlkit.builtin.backbones.flat_rows import FORMAT, FlatTokenRows
from mtlkit.builtin.backbones.options import Transformer
from mtlkit.builtin.backbones.token_batch import (
    NO_TEXT,
    NO_WORD,
    Ints,
    TokenRow,
    join_windows,
    text_of,
    words_of,
)
from mtlkit.contracts.data import Value

Windowed = list[Any]
"""The encodings, as the tokenizers library has them, of the windows of one row."""


@define(eq=False, slots=False)
class TextRows:
    """A fast tokenizer that cuts at `options.max_length`, or goes on in windows; `typed` for segment ids."""

    tokenizer: Any
    options: Transformer
    typed: bool

    @cached_property
    def flat(self) -> FlatTokenRows:
        """The rows as numbers, known by the whole tokenizer and how it is used."""
        from tokenizers import __version__

        told = self.options
        how = [told.max_length, told.long_texts, told.overlap, self.typed, self.tokenizer.model_input_names]
        made = sha256(json.dumps([FORMAT, __version__, how]).encode())
        made.update(self.tokenizer.backend_tokenizer.to_str().encode())
        return FlatTokenRows(made.hexdigest())

    def of(self, rows: Sequence[tuple[Value, ...]], located: bool) -> list[TokenRow]:
        """The rows of one view, with where each token is in its text where `located`."""
        words = [words_of(row) for row in rows]
        spaced = self._spaced_words
        texts = [tuple(map(text_of, row)) for row, given in zip(rows, words, strict=True) if given is None]
        lists = [
            [given[0], *(" " + word for word in given[1:])] if spaced and given else given
            for given in words
            if given is not None
        ]
        plain = iter(self._of_texts(texts, located))
        split = iter(self._encodings(lists, pairs=False, is_pretokenized=True))
        return [self._row(next(plain if w is None else split), w is not None, located) for w in words]

    def _of_texts(self, texts: Sequence[tuple[str, ...]], located: bool) -> list[Windowed]:
        if not located and self.options.long_texts == "cut":
            # The fast way loses where tokens are.
            inputs = [text[0] if len(text) == 1 else text for text in texts]
            return [[each] for each in self.tokenizer.backend_tokenizer.encode_batch_fast(inputs)]
        single = iter(self._encodings([text[0] for text in texts if len(text) == 1], pairs=False))
        pairs = iter(self._encodings([text for text in texts if len(text) > 1], pairs=True))
        return [next(single if len(text) == 1 else pairs) for text in texts]

    def _encodings(self, texts: Sequence[Any], pairs: bool, **how: bool) -> list[Windowed]:
        """The windows of each of these texts, pairs of texts or lists of words."""
        encode = self.tokenizer.backend_tokenizer.encode_batch
        if self.options.long_texts == "cut":
            return [[each] for each in encode(texts, **how)]
        cut = self._without_windows(texts) if pairs else frozenset()
        with self._overflowing(pairs):
            whole = iter(encode([text for at, text in enumerate(texts) if at not in cut], **how))
        short = iter(encode([texts[at] for at in sorted(cut)], **how))
        return [[next(short)] if at in cut else _windows(next(whole)) for at in range(len(texts))]

    def _without_windows(self, texts: Sequence[Any]) -> frozenset[int]:
        """The places of pairs that are cut, because their first text leaves no room for windows."""
        backend = self.tokenizer.backend_tokenizer
        room = self.options.max_length - backend.num_special_tokens_to_add(True) - 2 * self.options.overlap
        firsts = backend.encode_batch_fast([text[0] for text in texts], add_special_tokens=False)
        return frozenset(at for at, first in enumerate(firsts) if len(first.ids) >= room)

    @contextmanager
    def _overflowing(self, pairs: bool) -> Iterator[None]:
        backend, length = self.tokenizer.backend_tokenizer, self.options.max_length
        strategy = "only_second" if pairs else "longest_first"
        backend.enable_truncation(length, stride=self.options.overlap, strategy=strategy)
        try:
            yield
        finally:
            backend.enable_truncation(length)

    def _row(self, windows: Windowed, numbered: bool, located: bool) -> TokenRow:
        rows = [self._window(window, numbered, located) for window in windows]
        if len(rows) == 1:
            return rows[0]
        return join_windows(rows, [_texts(window) for window in windows], self.options.overlap)

    def _window(self, encoding: Any, numbered: bool, located: bool) -> TokenRow:  # noqa: ANN401  of tokenizers
        typed = self.typed and "token_type_ids" in self.tokenizer.model_input_names
        types = np.asarray(encoding.type_ids, np.int32) if typed else None
        numbers = [NO_WORD if word is None else word for word in encoding.word_ids] if numbered else None
        words = None if numbers is None else np.asarray(numbers, np.int32)
        ids = np.asarray(encoding.ids, np.int32)
        if not located:
            return TokenRow(ids, types, words)
        spans = np.asarray(encoding.offsets, np.int32)
        if words is not None and self._spaced_words:
            spans[words > 0] -= 1  # the space that such a word was given
        return TokenRow(ids, types, words, _texts(encoding), np.maximum(spans, 0))

    @cached_property
    def _spaced_words(self) -> bool:
        # Byte-level vocabularies have the space inside the token, which a list of words has lost.
        encode = partial(self.tokenizer.backend_tokenizer.encode, add_special_tokens=False)
        text = encode("a a").ids
        bare, spaced = (encode(words, is_pretokenized=True).ids for words in (["a", "a"], ["a", " a"]))
        return bool(text != bare and text == spaced)


def _windows(encoding: Any) -> Windowed:  # noqa: ANN401  of tokenizers
    return [encoding, *encoding.overflowing]


def _texts(encoding: Any) -> Ints:  # noqa: ANN401  of tokenizers
    return np.asarray([NO_TEXT if text is None else text for text in encoding.sequence_ids], np.int32)
