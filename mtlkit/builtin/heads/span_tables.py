"""Spans that rows name, as tables of word numbers.

Shapes: B rows, S spans of the row that has most.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from mtlkit.contracts.data import Record, Value
from mtlkit.errors import DataError

Span = tuple[int, int]
"""The number of a span's first word, from 0, and that of the word behind its last one."""
RIGHT = "a list of [begin, end], word numbers from 0, the end exclusive"


def span_table(rows: Sequence[Sequence[Span]]) -> Tensor:
    """Begins and ends [B, S, 2], -1 behind the last span of a row."""
    table = torch.full((len(rows), max(map(len, rows), default=0), 2), -1, dtype=torch.long)
    for place, spans in enumerate(rows):
        if spans:
            table[place, : len(spans)] = torch.tensor(spans, dtype=torch.long)
    return table


def spans_of(row: Record, tokens: str, column: str) -> list[Span]:
    """The spans of a row, none where the cell is missing; one span alone needs no list around it.

    Raises:
        DataError: when a cell is no list of spans, or a span is empty or not within the row's words.
    """
    cell, words = row.get(column), row.get(tokens) or []
    if cell is None or cell == "":
        return []
    if isinstance(words, str):
        raise DataError(
            f"the column {tokens!r} holds text, not lists", "give the words of each row as a list"
        )
    cells = [cell] if _is_span(cell) else cell
    if not isinstance(cells, list | tuple) or not all(map(_is_span, cells)):
        raise DataError(f"the column {column!r} holds {_short(cell)}, which is no list of spans", RIGHT)
    for begin, end in cells:
        if not 0 <= begin < end <= len(words):
            message = f"the span [{begin}, {end}] is not one of the {len(words)} words {_short(words)}"
            raise DataError(message, f"{column!r} is {RIGHT}")
    return [(int(begin), int(end)) for begin, end in cells]


def labels_of(row: Record, column: str, spans: Sequence[Span], spanned: str) -> list[Value]:
    """The labels of a row's spans, none where the cell is missing; one label alone needs no list around it.

    Raises:
        DataError: when there are more or fewer of them than spans.
    """
    cell = row.get(column)
    if cell is None or cell == "":
        return []
    labels = list(cell) if isinstance(cell, list | tuple) else [cell]
    if len(labels) != len(spans):
        message = f"a row has {len(spans)} spans but {len(labels)} labels: {_short(labels)}"
        raise DataError(message, f"{column!r} must be as long as {spanned!r}")
    return labels


def _is_span(cell: Value) -> bool:
    if not isinstance(cell, list | tuple) or len(cell) != 2:
        return False
    return all(isinstance(each, int) and not isinstance(each, bool) for each in cell)


def _short(value: Value) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:59]}…"
