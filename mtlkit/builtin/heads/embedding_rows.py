"""From rows to the targets of `sentence-embedding`: which texts are the same, scores, groups, vectors.

Shapes: B rows, V texts of a row, W vectors of a row.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from math import isfinite

import torch
from attrs import frozen
from torch import Tensor

from mtlkit.builtin.heads.embedding_options import SentenceEmbedding
from mtlkit.builtin.heads.objectives.options import (
    ContrastiveObjective,
    GistObjective,
    MarginMseObjective,
    MseObjective,
    OnlineContrastiveObjective,
    SimcseObjective,
)
from mtlkit.builtin.heads.objectives.targets import MISSING, EmbeddingTargets
from mtlkit.contracts.data import Record, Value
from mtlkit.errors import DataError

Numbers = list[float]
OPTIONAL_FROM = 2
"""From this text on, one may be missing where an objective does with fewer negatives."""


@frozen
class RowReader:
    """Reads what the objective of a task asks of rows."""

    options: SentenceEmbedding
    task: str

    def targets(self, rows: Sequence[Record]) -> EmbeddingTargets:
        """The targets of B rows.

        Raises:
            DataError: when a score is no number or none that the objective knows, there are not as many
                margins as negatives, or a vector is no list of numbers or of another size.
        """
        keys = torch.tensor([self._keys(row) for row in rows], dtype=torch.long)
        keys = keys.reshape(len(rows), -1)
        inner = self.options.inner
        needed = keys[:, :OPTIONAL_FROM] if self._fewer_will_do else keys
        known = (needed != MISSING).all(1)
        groups = torch.tensor([text_key(row.get(self.options.group)) for row in rows], dtype=torch.long)
        if "group" in inner.reads:
            known &= groups != MISSING
        scores, told = _table([self._scores(row) for row in rows])
        vectors, shown = self._vectors(rows, keys != MISSING)
        return EmbeddingTargets(known & told & shown, keys, groups, scores, vectors)

    @property
    def _fewer_will_do(self) -> bool:
        inner = self.options.inner
        return inner.coupled and "negatives" in inner.reads

    def _keys(self, row: Record) -> list[int]:
        found = [text_key(row.get(column)) for column in self.options.texts().values()]
        return found * 2 if isinstance(self.options.inner, SimcseObjective) else found

    def _scores(self, row: Record) -> Numbers | None:
        """The numbers that go with a row, none for most objectives; None where they are missing."""
        if "score" not in self.options.inner.reads:
            return []
        value = row.get(self.options.score)
        if isinstance(self.options.inner, MarginMseObjective):
            return self._margins(value)
        if _is_missing(value):
            return None
        score = _number(value)
        if score is None:
            raise self._wrong(self.options.score, value, "a number", "scores are numbers such as 0.5")
        pairs = isinstance(self.options.inner, ContrastiveObjective | OnlineContrastiveObjective)
        if pairs and score not in (0.0, 1.0):
            advice = "scores are 1 for texts that belong together and 0 for others"
            raise self._wrong(self.options.score, value, "0 or 1", advice)
        return [score]

    def _margins(self, value: Value) -> Numbers | None:
        count, column = len(self.options.no_answers()), self.options.score
        values = list(value) if isinstance(value, list | tuple) else [value]
        if all(map(_is_missing, values)):
            return None
        found = [_number(each) for each in values]
        if len(found) != count or None in found:
            what = "a number" if count == 1 else f"a list of {count} numbers"
            raise self._wrong(column, value, what, "it is the teacher's margin over each of the negatives")
        return [each for each in found if each is not None]

    def _vectors(self, rows: Sequence[Record], present: Tensor) -> tuple[Tensor, Tensor]:
        """Vectors [B, W, G], and which rows have those of all their texts."""
        inner = self.options.inner
        columns: tuple[str, ...] = ()
        if isinstance(inner, GistObjective):
            columns = inner.guide
        if isinstance(inner, MseObjective):
            columns = (self.options.teacher,)
        read = [[self._vector(row.get(column), column) for column in columns] for row in rows]
        sizes = {len(each) for row in read for each in row if each is not None}
        wanted = inner.size if isinstance(inner, MseObjective) else max(sizes, default=0)
        found = torch.zeros(len(rows), len(columns), wanted)
        there = torch.ones(len(rows), len(columns), dtype=torch.bool)
        for number, row in enumerate(read):
            for at, vector in enumerate(row):
                if vector is None:
                    there[number, at] = False
                elif len(vector) != wanted:
                    message = f"task {self.task!r}: a vector in {columns[at]} has {len(vector)} numbers"
                    raise DataError(message, f"all have as many as others: {wanted}")
                else:
                    found[number, at] = torch.tensor(vector)
        optional = torch.arange(len(columns)) >= OPTIONAL_FROM
        return found, (there | (optional & ~present[:, : len(columns)])).all(1)

    def _vector(self, value: Value, column: str) -> Numbers | None:
        if _is_missing(value):
            return None
        listed = hasattr(value, "__len__") and not isinstance(value, str)
        values = list(value) if listed else []
        if listed and all(map(_is_missing, values)):
            return None
        found = [each for each in map(_number, values) if each is not None]
        if not found or len(found) < len(values):
            raise self._wrong(column, value, "a vector", "vectors are lists of numbers")
        return found

    def _wrong(self, column: str, value: Value, what: str, advice: str) -> DataError:
        shown = repr(value) if len(repr(value)) <= 60 else f"{repr(value)[:56]}…"
        return DataError(f"task {self.task!r}: the {column} {shown} is not {what}", advice)


def text_key(text: Value) -> int:
    """A number that is the same for equal texts alone; `MISSING` for none."""
    if _is_missing(text):
        return MISSING
    digest = blake2b(str(text).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True) or 1


def _is_missing(value: Value) -> bool:
    return value is None or (isinstance(value, str) and value == "")


def _number(value: Value) -> float | None:
    try:
        found = float(value)
    except (TypeError, ValueError):
        return None
    return found if isfinite(found) else None


def _table(numbers: Sequence[Numbers | None]) -> tuple[Tensor, Tensor]:
    """Numbers [B, S], 0 where they are missing, and which are not."""
    size = max((len(each) for each in numbers if each is not None), default=0)
    known = torch.tensor([each is not None for each in numbers], dtype=torch.bool)
    rows = [[0.0] * size if each is None else each for each in numbers]
    return torch.tensor(rows, dtype=torch.float32).reshape(len(rows), size), known
