"""Right answers to questions, as rows of data hold them: texts, and where each begins in the context.

Either in two columns of lists, or in one that holds both as SQuAD does (Rajpurkar et al. 2016):
`{text = [...], answer_start = [...]}`. Empty lists mean that the context has no answer.
"""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen

from mtlkit.builtin.heads.answer_options import ExtractiveQa
from mtlkit.contracts.data import Record, Value
from mtlkit.errors import DataError


@frozen
class Answer:
    """A right answer, and the character of the context where it begins; -1 where that is not known."""

    text: str
    start: int

    @property
    def span(self) -> tuple[int, int]:
        """Where it begins and ends, the end exclusive, without spaces around; -1 where that is not known."""
        if self.start < 0:
            return -1, -1
        begin = self.start + len(self.text) - len(self.text.lstrip())
        return begin, begin + len(self.text.strip())


def answers_of(row: Record, options: ExtractiveQa) -> tuple[Answer, ...] | None:
    """The right answers of a row, none where its context has none; None where one is missing.

    Raises:
        DataError: when the cells are not as said above, or an answer is not where it should be.
    """
    texts, starts = _cells(row, options)
    if texts is None or texts == "" or (isinstance(texts, list | tuple) and None in texts):
        return None
    starts = [-1] * len(texts) if starts is None or starts == "" else starts
    if not _are(texts, str) or not _are(starts, int) or len(texts) != len(starts):
        message = f"the right answers of a row are {_short(texts)} at {_short(starts)}"
        raise DataError(
            message, f"{options.answers!r} should be a list of texts, and as many numbers say where"
        )
    found = tuple(Answer(text, start) for text, start in zip(texts, starts, strict=True))
    context = str(row.get(options.context) or "")
    for answer in found:
        there = context[max(answer.start, 0) :][: len(answer.text)]
        if (answer.start >= 0 and there != answer.text) or not answer.text.strip():
            message = f"the right answer {_short(answer.text)} should be at character {answer.start}"
            raise DataError(message, f"{_short(there)} is there; characters are counted from 0")
    return found


def _cells(row: Record, options: ExtractiveQa) -> tuple[Value, Value]:
    cell = row.get(options.answers)
    if options.starts:
        return cell, row.get(options.starts)
    if isinstance(cell, Mapping):
        return cell.get("text"), cell.get("answer_start")
    return cell, None


def _are(cells: Value, kind: type) -> bool:
    if not isinstance(cells, list | tuple):
        return False
    return all(isinstance(each, kind) and not isinstance(each, bool) for each in cells)


def _short(value: Value) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:59]}…"
