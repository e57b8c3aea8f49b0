"""The source `conll`: a token and what is said of it a line, a blank line between sentences."""

import re
from collections.abc import Callable, Sequence
from functools import cached_property

from mtlkit.builtin.data.blocks import BadLine, Blocks, Cells
from mtlkit.builtin.data.files import digest_of_parts
from mtlkit.builtin.data.options import ConllOptions
from mtlkit.contracts.data import Record, Skipped

SPACE = " \t\r\n\v\f"
GAP = re.compile(r"[ \t\v\f]+")  # not str.split(): a no-break space can be a token
ADVICE = "write a token and its tag on each line, and a blank line between sentences"


class ConllSource:
    """Sentences of tagged tokens; the builder of the source `conll`.

    Columns `tokens` and `tags`, or those that `fields` names, all lists of strings of one length.
    """

    def __init__(self, options: ConllOptions) -> None:
        self._options = options

    def columns(self) -> tuple[str, ...]:
        """The columns, and `split` where there is a file per split.

        Raises:
            ResourceError: when a file is missing.
        """
        return self._sentences.columns()

    def __len__(self) -> int:
        return len(self._sentences)

    def rows(self, numbers: Sequence[int]) -> list[Record]:
        """The sentences with these numbers (from 0).

        Raises:
            ResourceError: when a file is missing.
            DataError: naming file and line, when a line has too few fields, an empty one, or doesn't fit the
                encoding, unless such sentences are to be skipped.
        """
        return self._sentences.rows(numbers)

    def fingerprint(self) -> str:
        """A hex digest of the files' bytes and of how they are read."""
        options = self._options
        places = [[name, place] for name, place in options.places.items()]
        facts = ["conll", places, options.separator, options.comment, options.encoding]
        return digest_of_parts(facts, options.path)

    def skipped(self) -> Skipped:
        """The sentences that could not be read and were left out."""
        return self._sentences.skipped()

    @cached_property
    def _sentences(self) -> Blocks:
        options = self._options
        split = _splitter(options.separator)

        def read(lines: Sequence[str]) -> Cells | None:
            found: dict[str, list[str]] = {name: [] for name in options.places}
            for at, line in enumerate(lines):
                if options.comment is None or not line.startswith(options.comment):
                    for name, cell in _cells(split(line), options, at).items():
                        found[name].append(cell)
            return found if any(found.values()) else None

        return Blocks.of(options, options.encoding, options.places, read)


def _splitter(separator: str | None) -> Callable[[str], list[str]]:
    if separator is None:
        return lambda line: GAP.split(line.strip(SPACE))
    return lambda line: line.rstrip("\r\n").split(separator)


def _cells(fields: list[str], options: ConllOptions, at: int) -> dict[str, str]:
    count = len(fields)
    places = {name: place + count if place < 0 else place for name, place in options.places.items()}
    if not all(0 <= place < count for place in places.values()) or len(set(places.values())) < len(places):
        found = "1 field" if count == 1 else f"{count} fields"
        asked = " and ".join(f"{options.named(name)} {place}" for name, place in options.places.items())
        raise BadLine(at, f"has {found}, too few for {asked}", ADVICE)
    cells = {name: fields[place] for name, place in places.items()}
    for name, cell in cells.items():
        if not cell:
            raise BadLine(at, f"has an empty {options.named(name)}")
    return cells
