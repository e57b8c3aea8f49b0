"""Sentences as files for token tasks have them: a token a line, a blank line after each sentence."""

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import closing
from functools import cached_property
from pathlib import Path
from typing import Protocol

from attrs import field, frozen

from mtlkit.builtin.data.bad_rows import BadRows, OnBadRow
from mtlkit.builtin.data.files import parts, with_split
from mtlkit.builtin.data.spans import Spans
from mtlkit.builtin.data.text_file import TextFile
from mtlkit.contracts.data import SPLIT_COLUMN, Record, Skipped, Value
from mtlkit.contracts.place import Place
from mtlkit.errors import Problem

Cells = Mapping[str, Value]


class Asked(Protocol):
    """What the options of such a source have in common."""

    @property
    def path(self) -> Place | Mapping[str, Place]:
        """The files."""
        ...

    @property
    def on_bad_row(self) -> OnBadRow:
        """What a sentence does that can't be read."""
        ...


class BadLine(Exception):  # noqa: N818  on its way to become a problem of a file and line
    """A line of a block that can't be read: `at` counts from 0 in the block."""

    def __init__(self, at: int, message: str, advice: str = "") -> None:
        super().__init__(message)
        self.at, self.message, self.advice = at, message, advice


@frozen(eq=False)
class Blocks:
    """The sentences of some files; `read` makes the cells of the lines of one, or raises `BadLine`.

    What `read` gives for a block without tokens, such as one of comments, is None.
    """

    path: Place | Mapping[str, Place]
    encoding: str
    names: tuple[str, ...]
    read: Callable[[Sequence[str]], Cells | None]
    bad: BadRows = field(factory=BadRows)

    @classmethod
    def of(
        cls,
        options: Asked,
        encoding: str,
        names: Iterable[str],
        read: Callable[[Sequence[str]], Cells | None],
    ) -> "Blocks":
        """The sentences of the files that the options name."""
        return cls(options.path, encoding, tuple(names), read, BadRows(options.on_bad_row))

    def columns(self) -> tuple[str, ...]:
        """The names, and `split` where there is a file per split."""
        return with_split(self.names, parts(self.path)[0])

    def __len__(self) -> int:
        return len(self._spans)

    def rows(self, numbers: Sequence[int]) -> list[Record]:
        """The sentences with these numbers (from 0)."""
        found: list[Record] = []
        spans = self._spans
        for at, raw in spans.read(numbers):
            file = spans.files[at]
            cells = self.read([line.decode(file.encoding) for line in raw.splitlines(keepends=True)])
            found.append({**(cells or {}), **self._added[at]})
        return found

    def skipped(self) -> Skipped:
        """The sentences that could not be read and were left out."""
        _ = self._spans
        return self.bad.skipped()

    @cached_property
    def _added(self) -> list[dict[str, str]]:
        return [{} if part.split is None else {SPLIT_COLUMN: part.split} for part in parts(self.path)]

    @cached_property
    def _spans(self) -> Spans:
        spans = Spans()
        for part in parts(self.path):
            file = TextFile(part.path, self.encoding)
            spans.begin(file)
            for first, (start, end), lines, problem in _blocks(file):
                try:
                    cells = {} if problem else self.read(lines)
                except BadLine as bad:
                    problem = _placed(file.path, first, bad)
                if problem is not None:
                    self.bad.meet(problem)
                elif cells is not None:
                    spans.add(start, end)
        return spans


Block = tuple[int, tuple[int, int], list[str], Problem | None]


def _blocks(file: TextFile) -> Generator[Block, None, None]:
    """The number of the first line, the place, the lines of each block, and what is wrong with its text."""
    lines: list[str] = []
    first = start = end = 0
    wrong: Problem | None = None
    with closing(file.lines()) as source:
        for number, offset, raw in source:
            text, problem = file.decoded(raw, number)
            if text.isspace() and problem is None:
                if lines:
                    yield first, (start, end), lines, wrong
                lines, wrong = [], None
                continue
            if not lines:
                first, start = number, offset
            end = offset + len(raw)
            lines.append(text)
            wrong = wrong or problem
    if lines:
        yield first, (start, end), lines, wrong


def _placed(path: Path, first: int, bad: BadLine) -> Problem:
    return Problem(bad.message, bad.advice, file=str(path), line=first + bad.at)
