"""The source `jsonl`: one JSON object per line."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from functools import cached_property
from itertools import islice
from pathlib import Path

from mtlkit.builtin.data.bad_rows import BadRows
from mtlkit.builtin.data.files import Part, digest_of_parts, parts, same_columns, with_split
from mtlkit.builtin.data.json_text import decoded
from mtlkit.builtin.data.options import JsonlOptions
from mtlkit.builtin.data.spans import Spans
from mtlkit.builtin.data.text_file import TextFile
from mtlkit.contracts.data import SPLIT_COLUMN, Record, Skipped, Value
from mtlkit.errors import DataError, Problem

LINES_THAT_SHOW_THE_KEYS = 1000


class JsonlSource:
    """Rows of JSON lines; the builder of the source `jsonl`. A key that a line lacks is None there."""

    def __init__(self, options: JsonlOptions) -> None:
        self._options = options

    def columns(self) -> tuple[str, ...]:
        """The keys of the first 1,000 lines of each file, in the order they come up, or `names`.

        Raises:
            ResourceError: when a file is missing.
            DataError: naming file and line, when one of these lines is not a JSON object, unless such
                lines are to be skipped.
        """
        files = parts(self._options.path)
        names = self._options.names
        if names is None:
            seen: dict[str, None] = {}
            for part in files:
                bad = BadRows(self._options.on_bad_row)
                with closing(_objects(self._file(part), bad)) as objects:
                    for _, _, found in islice(objects, LINES_THAT_SHOW_THE_KEYS):
                        seen.update(dict.fromkeys(found))
            names = tuple(seen)
        return same_columns((part, with_split(names, part)) for part in files)

    def __len__(self) -> int:
        return len(self._spans)

    def rows(self, numbers: Sequence[int]) -> list[Record]:
        """The rows with these numbers (from 0).

        Raises:
            ResourceError: when a file is missing.
            DataError: naming file and line, when a line is not one JSON object, repeats a key, holds a
                number that is not finite, or has a key that the first 1,000 lines lack, unless such lines
                are to be skipped.
        """
        return list(self._records(numbers))

    def fingerprint(self) -> str:
        """A hex digest of the files' bytes and of how they are read."""
        options = self._options
        return digest_of_parts(["jsonl", options.names, options.encoding], options.path)

    def skipped(self) -> Skipped:
        """The lines that could not be read and were left out."""
        _ = self._spans
        return self._bad.skipped()

    def _records(self, numbers: Sequence[int]) -> Iterator[Record]:
        spans = self._spans
        for at, raw in spans.read(numbers):
            file = spans.files[at]
            found = decoded(raw.decode(file.encoding), file.path, 0) | self._added[at]
            yield {column: found.get(column) for column in self._columns}

    @cached_property
    def _bad(self) -> BadRows:
        return BadRows(self._options.on_bad_row)

    @cached_property
    def _columns(self) -> tuple[str, ...]:
        return self.columns()

    @cached_property
    def _added(self) -> list[dict[str, str]]:
        return [
            {} if part.split is None else {SPLIT_COLUMN: part.split} for part in parts(self._options.path)
        ]

    @cached_property
    def _spans(self) -> Spans:
        known = frozenset(self._columns)
        spans = Spans()
        for part in parts(self._options.path):
            file = self._file(part)
            spans.begin(file)
            for number, (start, end), found in _objects(file, self._bad):
                if self._options.names is None and not known.issuperset(found):
                    late = next(key for key in found if key not in known)
                    self._bad.meet(_late(file.path, number, late))
                else:
                    spans.add(start, end)
        return spans

    def _file(self, part: Part) -> TextFile:
        return TextFile(part.path, self._options.encoding, any_end=False)


def _objects(
    file: TextFile, bad: BadRows
) -> Generator[tuple[int, tuple[int, int], dict[str, Value]], None, None]:
    """The number of each line, its place and its object; blank lines at the end are none."""
    blank: list[int] = []
    with closing(file.lines()) as lines:
        for number, start, raw in lines:
            text, problem = file.decoded(raw, number)
            if problem is None and not text.strip():
                blank.append(number)
                continue
            for line in blank:
                bad.meet(Problem("is blank", "remove it", file=str(file.path), line=line))
            blank.clear()
            found: dict[str, Value] = {}
            try:
                found = decoded(text, file.path, number) if problem is None else {}
            except DataError as error:
                (problem,) = error.problems
            if problem is None:
                yield number, (start, start + len(raw)), found
            else:
                bad.meet(problem)


def _late(path: Path, line: int, key: str) -> Problem:
    message = f"has the key {key!r}, which none of the first {LINES_THAT_SHOW_THE_KEYS:,} lines has"
    return Problem(message, "list the keys to read in names", file=str(path), line=line)
