"""Rows after tokenisation: how long they are, whether something was cut off, what a head sees of them."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from attrs import field, frozen

from mtlkit.contracts.audit import Example
from mtlkit.contracts.backbone import Backbone
from mtlkit.contracts.data import Record, Value
from mtlkit.engine.content import as_text, is_missing
from mtlkit.engine.growing import Growing
from mtlkit.errors import blaming

View = tuple[str, ...]
Piece = tuple[str, int]
"""A token: what it stands for and the number of its word, -1 where it has none."""

QUANTILES = {"shortest": 0.0, "median": 0.5, "90 %": 0.9, "99 %": 0.99, "longest": 1.0}


@frozen(eq=False)
class Lengths:
    """The lengths of rows in tokens, and how many of them were cut."""

    tokens: Growing = field(factory=lambda: Growing("Q"))
    cut: list[int] = field(factory=list)
    told: list[bool] = field(factory=list)

    def add(self, backbone: Backbone, rows: Sequence[tuple[Value, ...]]) -> None:
        """Count some rows of a view."""
        items, located = encode(backbone, rows)
        for item in items:
            self.tokens.append(len(item))
        if not located:
            self.told.append(False)
            return
        ends = _ends(backbone.collate(items), rows)
        self.cut.append(sum(not whole for whole in ends))

    def quantiles(self) -> dict[str, int]:
        """Lengths by the name of their quantile; empty where there are no rows."""
        if not len(self.tokens):
            return {}
        values = np.quantile(self.tokens.array(), list(QUANTILES.values()), method="inverted_cdf")
        return {name: int(value) for name, value in zip(QUANTILES, values, strict=True)}

    def cut_rows(self) -> int | None:
        """How many rows were cut, None where the backbone does not say."""
        return None if self.told else sum(self.cut)


def encode(backbone: Backbone, rows: Sequence[tuple[Value, ...]]) -> tuple[list[Any], bool]:
    """Items of some rows, and whether their batches say which part of a text each token is."""
    locate = getattr(backbone, "locate", None)
    with blaming("the backbone", "prepare" if locate is None else "locate"):
        items = list(backbone.prepare(rows) if locate is None else locate(rows))
    return items, locate is not None


def example(backbone: Backbone, row: Record, view: View, label: Value) -> Example:
    """A row as a head sees it."""
    values = tuple(row[column] for column in view)
    pieces = _pieces(backbone, values)
    if isinstance(label, list):
        return Example(tuple(text for text, _ in pieces), tuple(_aligned(pieces, label)), None)
    told = None if is_missing(label) else as_text(label)
    return Example(tuple(text for text, _ in pieces), (), told)


def _aligned(pieces: Sequence[Piece], labels: Sequence[Value]) -> Iterator[str]:
    """The label of each word at its first token, nothing elsewhere."""
    before = -1
    for _, word in pieces:
        first = word not in (-1, before) and word < len(labels)
        yield as_text(labels[word]) if first and not is_missing(labels[word]) else ""
        before = word


def _pieces(backbone: Backbone, values: tuple[Value, ...]) -> list[Piece]:
    items, located = encode(backbone, [values])
    batch = backbone.collate(items)
    if not located or batch.spans is None or batch.texts is None:
        return []
    ids, texts, spans = batch.ids[0].tolist(), batch.texts[0].tolist(), batch.spans[0].tolist()
    words = batch.words[0].tolist()
    spell = getattr(backbone, "tokens", None)
    found = []
    for number, text, (start, end), word in zip(ids, texts, spans, words, strict=True):
        if text < 0:
            piece = "".join(spell([number])) if spell else "·"
        else:
            value = values[text]
            piece = str(value[word] if isinstance(value, list) and word >= 0 else value)[start:end]
        found.append((piece, word))
    return found


def _ends(batch: Any, rows: Sequence[tuple[Value, ...]]) -> list[bool]:  # noqa: ANN401  a batch of the backbone
    """Whether each row is whole: its last word, or the last character that is no space, has a token."""
    if batch.spans is None or batch.texts is None:
        return [True] * len(rows)
    return [
        all(_whole(batch, at, text, value) for text, value in enumerate(row)) for at, row in enumerate(rows)
    ]


def _whole(batch: Any, at: int, text: int, value: Value) -> bool:  # noqa: ANN401  see above
    mine = batch.texts[at] == text
    if isinstance(value, list):
        return not value or int(torch.where(mine, batch.words[at], -1).max()) >= _last(value)
    ends = torch.where(mine, batch.spans[at, :, 1], 0)
    return int(ends.max()) >= _length(str(value)) if len(ends) else True


def _length(text: str) -> int:
    """How long a text is without what may have no token at its end: white space and control characters."""
    while text and (text[-1].isspace() or not text[-1].isprintable()):
        text = text[:-1]
    return len(text)


def _last(words: Sequence[Value]) -> int:
    """The number of the last word that could have a token."""
    return max((at for at, word in enumerate(words) if str(word).strip()), default=-1)


def rows_of(records: Sequence[Record], view: View) -> list[tuple[Value, ...]]:
    """The cells of a view, of the rows where none of them is missing."""
    cells = (tuple(record[column] for column in view) for record in records)
    return [row for row in cells if not any(is_missing(cell) or cell == [] for cell in row)]
