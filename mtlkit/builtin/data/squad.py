"""The source `squad`: questions about passages, in the JSON of SQuAD 1.1 and 2.0.

Rajpurkar et al. 2016, arXiv:1606.05250; Rajpurkar, Jia & Liang 2018, arXiv:1806.03822.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from mtlkit.builtin.data.bad_rows import BadRows
from mtlkit.builtin.data.files import digest_of_parts, parts, with_split
from mtlkit.builtin.data.spool import Spool
from mtlkit.builtin.data.squad_file import SHAPE, articles, passages_of
from mtlkit.builtin.data.squad_options import SquadOptions
from mtlkit.builtin.data.table import check_numbers
from mtlkit.contracts.data import Record, Skipped
from mtlkit.errors import Problem

COLUMNS = ("id", "title", "question", "context", "answers", "starts", "impossible")


class SquadSource:
    """Questions, one a row; the builder of the source `squad`.

    Columns `id`, `title`, `question`, `context`, `answers` (texts), `starts` (where each begins in the
    context, in characters from 0) and `impossible`. Where a file does not tell the answers, these are None.
    """

    def __init__(self, options: SquadOptions) -> None:
        self._options = options
        self._bad = BadRows(options.on_bad_row)

    def columns(self) -> tuple[str, ...]:
        """The seven columns, and `split` where there is a file per split.

        Raises:
            ResourceError: when a file is missing.
        """
        return with_split(COLUMNS, parts(self._options.path)[0])

    def __len__(self) -> int:
        return len(self._questions[0])

    def rows(self, numbers: Sequence[int]) -> list[Record]:
        """The questions with these numbers (from 0).

        Raises:
            ResourceError: when a file is missing.
            DataError: naming file and line, when a file is not of this form; when a question lacks something,
                or an answer is not where it says, unless such questions are to be skipped.
        """
        questions, passages = self._questions
        check_numbers(numbers, len(questions))
        found: list[Record] = []
        names = self._names
        for number in numbers:
            cells = questions.get(number)
            cells[3] = passages.get(cells[3])
            found.append(dict(zip(names, cells, strict=True)))
        return found

    def fingerprint(self) -> str:
        """A hex digest of the files' bytes."""
        return digest_of_parts(["squad"], self._options.path)

    def skipped(self) -> Skipped:
        """The questions that could not be read and were left out."""
        _ = self._questions
        return self._bad.skipped()

    @cached_property
    def _names(self) -> tuple[str, ...]:
        return self.columns()

    @cached_property
    def _questions(self) -> tuple[Spool, Spool]:
        """The cells of every question, with the number of its passage for the passage; and the passages."""
        questions, passages = Spool(), Spool()
        for part in parts(self._options.path):
            added = [] if part.split is None else [part.split]
            for article in articles(part.path):
                for passage in passages_of(article, part.path):
                    number = passages.add(passage.text)
                    for at, question in enumerate(passage.questions):
                        try:
                            cells = _cells(question, passage.text, article.title)
                        except ValueError as error:
                            message = f"{passage.place}.qas[{at}] {error}"
                            self._bad.meet(Problem(message, SHAPE, file=str(part.path), line=article.line))
                        else:
                            questions.add([*cells[:3], number, *cells[3:], *added])
        return questions, passages


def _cells(question: Any, passage: str, title: Any) -> list[Any]:  # noqa: ANN401  any JSON value
    """Id, title, question, answers, starts, impossible.

    Raises:
        ValueError: when something of it is missing or can't be true.
    """
    if not isinstance(question, dict) or not isinstance(question.get("question"), str):
        raise ValueError("has no text 'question'")
    told = [question.get("id"), title, question["question"]]
    if not all(each is None or isinstance(each, str | int) for each in told[:2]):
        raise ValueError("has an id or a title that is no text")
    flag = question.get("is_impossible", False)
    if not isinstance(flag, bool):
        raise ValueError("has an is_impossible that is neither true nor false")
    answers = question.get("answers")
    if answers is None:
        return [*told, None, None, True if flag else None]
    texts, starts = _answers(answers, passage)
    if flag and texts:
        raise ValueError("is_impossible, and has answers")
    return [*told, texts, starts, not texts]


def _answers(answers: Any, passage: str) -> tuple[list[str], list[int]]:  # noqa: ANN401  any JSON value
    if not isinstance(answers, list):
        raise ValueError("has answers that are no list")
    texts, starts = [], []
    for at, answer in enumerate(answers):
        fields = answer if isinstance(answer, dict) else {}
        told, start = fields.get("text"), fields.get("answer_start")
        if not isinstance(told, str) or type(start) is not int:
            raise ValueError(f"has an answer {at} without text or answer_start")
        if start < 0 or passage[start : start + len(told)] != told:
            raise ValueError(f"has the answer {told!r}, which is not at character {start} of the context")
        texts.append(told)
        starts.append(start)
    return texts, starts
