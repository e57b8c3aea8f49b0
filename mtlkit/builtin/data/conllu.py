"""The source `conllu`: sentences of Universal Dependencies, https://universaldependencies.org/format.html.

The tokens are the syntactic words, those with whole numbers: the lines of multi-word tokens (`3-4`) only say
how words are written together, and empty nodes (`5.1`) belong to the enhanced graph.
"""

from collections.abc import Sequence
from functools import cached_property

from mtlkit.builtin.data.blocks import BadLine, Blocks, Cells
from mtlkit.builtin.data.conllu_options import FIELDS, ConlluOptions
from mtlkit.builtin.data.files import digest_of_parts
from mtlkit.contracts.data import Record, Skipped, Value

FIELD_COUNT = 10
UNKNOWN = "_"


class ConlluSource:
    """Sentences with lemmas, tags, features and dependencies; the builder of the source `conllu`.

    Columns `tokens`, `lemmas`, `upos`, `xpos`, `feats`, `heads`, `relations`, lists of one length, and a text
    for each name of `metadata`. `heads` are whole numbers: 0 is the root, n the n-th token of the list. What
    the file leaves open (`_`) is None, but for tokens and lemmas, which may be written so.
    """

    def __init__(self, options: ConlluOptions) -> None:
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
            DataError: naming file and line, when a line has not ten fields, words are not numbered from 1, or
                a head is no word of the sentence, unless such sentences are to be skipped.
        """
        return self._sentences.rows(numbers)

    def fingerprint(self) -> str:
        """A hex digest of the files' bytes and of how they are read."""
        return digest_of_parts(["conllu", self._options.metadata], self._options.path)

    def skipped(self) -> Skipped:
        """The sentences that could not be read and were left out."""
        return self._sentences.skipped()

    @cached_property
    def _sentences(self) -> Blocks:
        metadata = self._options.metadata
        return Blocks.of(
            self._options, "utf-8", (*FIELDS, *metadata), lambda lines: _sentence(lines, metadata)
        )


def _sentence(lines: Sequence[str], metadata: tuple[str, ...]) -> Cells | None:
    told: dict[str, Value] = dict.fromkeys(metadata)
    words: list[list[str]] = []
    places: list[int] = []
    for at, line in enumerate(lines):
        if line.startswith("#"):
            name, _, value = line[1:].partition("=")
            if name.strip() in told:
                told[name.strip()] = value.strip()
            continue
        fields = _fields(line, at)
        if "-" in fields[0] or "." in fields[0]:
            continue
        if fields[0] != str(len(words) + 1):
            message = f"has the number {fields[0]!r} where word {len(words) + 1} should be"
            raise BadLine(at, message, "words of a sentence are numbered from 1")
        words.append(fields)
        places.append(at)
    if not words:
        return None
    heads = [_head(word[6], len(words), at) for word, at in zip(words, places, strict=True)]
    found: dict[str, Value] = {
        name: [word[place] if name in ("tokens", "lemmas") else _known(word[place]) for word in words]
        for name, place in FIELDS.items()
    }
    return {**found, "heads": heads, **told}


def _fields(line: str, at: int) -> list[str]:
    fields = line.rstrip("\r\n").split("\t")
    if len(fields) != FIELD_COUNT:
        found = "1 field" if len(fields) == 1 else f"{len(fields)} fields"
        message = f"has {found} where CoNLL-U has {FIELD_COUNT}"
        raise BadLine(at, message, "separate fields by one tab, and write _ for what is not known")
    if not all(fields):
        raise BadLine(at, f"has nothing in field {fields.index('') + 1}", "write _ for what is not known")
    return fields


def _head(text: str, count: int, at: int) -> int | None:
    if text == UNKNOWN:
        return None
    if not (text.isascii() and text.isdecimal() and int(text) <= count):
        raise BadLine(at, f"has the head {text!r}", f"a head is a number from 0 to {count}")
    return int(text)


def _known(cell: str) -> str | None:
    return None if cell == UNKNOWN else cell
