"""The source `conll`: a token and what is said of it a line, a blank line between sentences."""

import re
from collections.abc import Callable, Iterable, Sequence
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
        places_in = _places(options)

        def read(lines: Sequence[str]) -> Cells | None:
            found: dict[str, list[str]] = {name: [] for name in options.places}
            for at, line in enumerate(lines):
                if options.comment is not None and line.startswith(options.comment):
                    continue
                fields = split(line)
                for name, place in places_in(len(fields), at):
                    if not fields[place]:
                        raise BadLine(at, f"has an empty {options.named(name)}")
                    found[name].append(fields[place])
            return found if any(found.values()) else None

        return Blocks.of(options, options.encoding, options.places, read)


def _splitter(separator: str | None) -> Callable[[str], list[str]]:
    if separator is None:
        return lambda line: GAP.split(line.strip(SPACE))
    return lambda line: line.rstrip("\r\n").split(separator)


def _places(options: ConllOptions) -> Callable[[int, int], Iterable[tuple[str, int]]]:
    """Where the cells of a line are, by how many fields it has; the second number is that of the line."""
    asked = options.places
    known: dict[int, tuple[tuple[str, int], ...]] = {}

    def places(count: int, at: int) -> Iterable[tuple[str, int]]:
        if count not in known:
            found = [place + count if place < 0 else place for place in asked.values()]
            if not all(0 <= place < count for place in found) or len(set(found)) < len(found):
                raise BadLine(at, _too_few(count, options), ADVICE)
            known[count] = tuple(zip(asked, found, strict=True))
        return known[count]

    return places


def _too_few(count: int, options: ConllOptions) -> str:
    found = "1 field" if count == 1 else f"{count} fields"
    asked = " and ".join(f"{options.named(name)} {place}" for name, place in options.places.items())
    return f"has {found}, too few for {asked}"
