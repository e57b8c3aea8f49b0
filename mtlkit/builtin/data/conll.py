"""The source `conll`: one token and its tag a line, a blank line between sentences."""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from functools import cached_property

from mtlkit.builtin.data.files import Part, digest_of_parts, lines, parts, with_split
from mtlkit.builtin.data.options import ConllOptions
from mtlkit.builtin.data.table import Table
from mtlkit.contracts.data import Record
from mtlkit.errors import DataError, Problem

COLUMNS = ("tokens", "tags")
SPACE = " \t\r\n\v\f"
GAP = re.compile(r"[ \t\v\f]+")  # not str.split(): a no-break space can be a token


class ConllSource:
    """Sentences of tagged tokens; the builder of the source `conll`.

    Columns `tokens` and `tags`, both lists of strings of one length.
    """

    def __init__(self, options: ConllOptions) -> None:
        self._options = options

    def columns(self) -> tuple[str, ...]:
        """`tokens` and `tags`, and `split` where there is a file per split.

        Raises:
            ResourceError: when a file is missing.
        """
        return with_split(COLUMNS, parts(self._options.path)[0])

    def __len__(self) -> int:
        return len(self._table)

    def rows(self, numbers: Sequence[int]) -> list[Record]:
        """The sentences with these numbers (from 0).

        Raises:
            ResourceError: when a file is missing.
            DataError: naming file and line, when a line has too few fields, an empty token or tag, or
                doesn't fit the encoding.
        """
        return self._table.rows(numbers)

    def fingerprint(self) -> str:
        """A hex digest of the files' bytes and of how they are read."""
        options = self._options
        facts = ["conll", options.token, options.tag, options.separator, options.comment, options.encoding]
        return digest_of_parts(facts, options.path)

    @cached_property
    def _table(self) -> Table:
        cells = []
        for part in parts(self._options.path):
            added = [] if part.split is None else [part.split]
            cells += [[tokens, tags, *added] for tokens, tags in _sentences(part, self._options)]
        return Table(self.columns(), cells)


def _sentences(part: Part, options: ConllOptions) -> Iterator[tuple[list[str], list[str]]]:
    fields_of = _splitter(options.separator)
    tokens: list[str] = []
    tags: list[str] = []
    with closing(lines(part.path, options.encoding)) as source:
        for number, line in enumerate(source, 1):
            if options.comment is not None and line.startswith(options.comment):
                continue
            if line.isspace():
                if tokens:
                    yield tokens, tags
                    tokens, tags = [], []
                continue
            token, tag = _token_and_tag(fields_of(line), options, part, number)
            tokens.append(token)
            tags.append(tag)
    if tokens:
        yield tokens, tags


def _splitter(separator: str | None) -> Callable[[str], list[str]]:
    if separator is None:
        return lambda line: GAP.split(line.strip(SPACE))
    return lambda line: line.rstrip("\r\n").split(separator)


def _token_and_tag(fields: list[str], options: ConllOptions, part: Part, line: int) -> tuple[str, str]:
    count = len(fields)
    places = [place + count if place < 0 else place for place in (options.token, options.tag)]
    if not all(0 <= place < count for place in places) or places[0] == places[1]:
        found = "1 field" if count == 1 else f"{count} fields"
        message = f"has {found}, too few for token {options.token} and tag {options.tag}"
        advice = "write a token and its tag on each line, and a blank line between sentences"
        raise DataError(Problem(message, advice, file=str(part.path), line=line))
    token, tag = (fields[place] for place in places)
    if not token or not tag:
        missing = "tag" if token else "token"
        raise DataError(Problem(f"has an empty {missing}", file=str(part.path), line=line))
    return token, tag
