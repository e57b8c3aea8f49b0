"""Options of the data sources: what a `[data.NAME]` table may say besides the keys all sources share."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import frozen

from mtlkit.builtin.data import samples
from mtlkit.builtin.data.bad_rows import ON_BAD_ROW, OnBadRow
from mtlkit.contracts.data import Record
from mtlkit.contracts.options import option
from mtlkit.contracts.place import Place

PATH = "the file, or a table of one file per split: { train = ..., validation = ..., test = ... }"
QUOTE = 'what encloses cells, doubled inside them; "" where quotes mean nothing'
HEADER = "whether the first line names the columns"
NAMES = "column names, in place of those of the header"
ENCODING = "how the file's text is encoded; a byte order mark is skipped"


@frozen
class CsvOptions:
    """A table of text: every cell is the exact text of the file, never a number, never missing."""

    path: Place | Mapping[str, Place] = option(PATH)
    delimiter: str = option('what separates cells: "," or ";"; for tabs there is the source tsv', ",")
    quote: str = option(QUOTE, '"')
    header: bool = option(HEADER, True)
    names: tuple[str, ...] | None = option(NAMES, None)
    encoding: str = option(ENCODING, "utf-8")
    on_bad_row: OnBadRow = option(ON_BAD_ROW, "error")

    def __attrs_post_init__(self) -> None:
        if len(self.delimiter) != 1 or self.delimiter in "\r\n\0":
            raise ValueError(f"delimiter {self.delimiter!r} is not one character")
        _check_table(self)

    @staticmethod
    def write(folder: Path, rows: Sequence[Record]) -> dict[str, Any]:
        """Write rows below `folder`; the options table that reads them."""
        return samples.write_csv(folder, rows)

    @classmethod
    def sample(cls, folder: Path) -> dict[str, Any]:
        """Write a small data set below `folder`; the options table that reads it."""
        return cls.write(folder, samples.ROWS)


@frozen
class TsvOptions:
    """A table of text, tab separated: every cell is the exact text of the file.

    Where quotes mean nothing, as in the files of GLUE, say `quote = ""`.
    """

    path: Place | Mapping[str, Place] = option(PATH)
    quote: str = option(QUOTE, '"')
    header: bool = option(HEADER, True)
    names: tuple[str, ...] | None = option(NAMES, None)
    encoding: str = option(ENCODING, "utf-8")
    on_bad_row: OnBadRow = option(ON_BAD_ROW, "error")

    def __attrs_post_init__(self) -> None:
        _check_table(self)

    @property
    def delimiter(self) -> str:
        """What separates cells."""
        return "\t"

    @staticmethod
    def write(folder: Path, rows: Sequence[Record]) -> dict[str, Any]:
        """Write rows below `folder`; the options table that reads them."""
        return samples.write_csv(folder, rows, "rows.tsv", "\t")

    @classmethod
    def sample(cls, folder: Path) -> dict[str, Any]:
        """Write a small data set below `folder`; the options table that reads it."""
        return cls.write(folder, samples.ROWS)


@frozen
class JsonlOptions:
    """A file with one JSON object per line."""

    path: Place | Mapping[str, Place] = option(PATH)
    names: tuple[str, ...] | None = option(
        "the keys to read; left out, all keys, which must show in the first 1,000 lines", None
    )
    encoding: str = option(ENCODING, "utf-8")
    on_bad_row: OnBadRow = option(ON_BAD_ROW, "error")

    def __attrs_post_init__(self) -> None:
        _check_names(self.names)
        check_path(self.path)
        _check_encoding(self.encoding)

    @staticmethod
    def write(folder: Path, rows: Sequence[Record]) -> dict[str, Any]:
        """Write rows below `folder`; the options table that reads them."""
        return samples.write_jsonl(folder, rows)

    @classmethod
    def sample(cls, folder: Path) -> dict[str, Any]:
        """Write a small data set below `folder`; the options table that reads it."""
        return cls.write(folder, samples.ROWS)


@frozen
class TextFolderOptions:
    """A folder with one sub-folder of text files per class."""

    path: Place = option("the folder that holds the sub-folders")
    suffix: str = option("read files whose names end so", ".txt")
    encoding: str | tuple[str, ...] = option(
        "how the files are encoded; of several encodings, the first that fits a file is taken", "utf-8"
    )
    on_bad_row: OnBadRow = option(
        "what a file that can't be read does: end, or be left out and counted", "error"
    )

    def __attrs_post_init__(self) -> None:
        if not self.encodings:
            raise ValueError("encoding needs at least one name")
        for encoding in self.encodings:
            _check_encoding(encoding)

    @property
    def encodings(self) -> tuple[str, ...]:
        """The encodings to try, in order."""
        return (self.encoding,) if isinstance(self.encoding, str) else self.encoding

    @staticmethod
    def sample(folder: Path) -> dict[str, Any]:
        """Write a small data set below `folder`; the options table that reads it."""
        return samples.write_text_folder(folder, samples.ROWS)


@frozen
class ConllOptions:
    """Tokens and what is said of each, one token a line, a blank line between sentences; quotes mean nothing.

    The columns are `tokens` and `tags`, or those of `fields`, which may be several: part of speech, chunk and
    entity of one sentence, for a task each.
    """

    path: Place | Mapping[str, Place] = option(PATH)
    token: int = option("which field of a line is the token, from 0; negative counts from the end", 0)
    tag: int = option("which field of a line is the tag, from 0; negative counts from the end", -1)
    fields: Mapping[str, int] = option(
        "columns and their fields, in place of token and tag: { tokens = 0, pos = 1, entities = 3 }", {}
    )
    separator: str | None = option("what separates fields; left out, any number of spaces and tabs", None)
    comment: str | None = option("skip lines that begin so; left out, no line is a comment", None)
    encoding: str = option(ENCODING, "utf-8")
    on_bad_row: OnBadRow = option(ON_BAD_ROW, "error")

    def __attrs_post_init__(self) -> None:
        if self.token == self.tag:
            raise ValueError(f"token and tag are both field {self.tag}")
        places = list(self.fields.values())
        twice = [place for place in places if places.count(place) > 1]
        if twice:
            raise ValueError(f"two columns of fields are field {twice[0]}")
        if self.separator == "":
            raise ValueError("separator is empty; leave it out to separate at spaces and tabs")
        if self.comment == "":
            raise ValueError("comment is empty, so every line would be one; leave it out")
        check_path(self.path)
        _check_encoding(self.encoding)

    @property
    def places(self) -> Mapping[str, int]:
        """Column → which field of a line it is."""
        return self.fields or {"tokens": self.token, "tags": self.tag}

    def named(self, column: str) -> str:
        """What a cell of that column is called in an error."""
        return column if self.fields else column.removesuffix("s")

    @staticmethod
    def sample(folder: Path) -> dict[str, Any]:
        """Write a small data set below `folder`; the options table that reads it."""
        return samples.write_conll(folder)


def _check_table(options: CsvOptions | TsvOptions) -> None:
    quote = options.quote
    if len(quote) > 1 or quote in (options.delimiter, "\r", "\n", "\0"):
        raise ValueError(f"quote {quote!r} is not one character other than the delimiter")
    if not options.header and options.names is None:
        raise ValueError("names is needed where header is false")
    _check_names(options.names)
    check_path(options.path)
    _check_encoding(options.encoding)


def check_path(path: Place | Mapping[str, Place]) -> None:
    """Refuse a table of no files.

    Raises:
        ValueError: when there is none in it.
    """
    if isinstance(path, Mapping) and not path:
        raise ValueError("path names no file")


def _check_names(names: tuple[str, ...] | None) -> None:
    if names is not None and (not names or len(set(names)) < len(names)):
        raise ValueError("names must be at least one name, each different")


def _check_encoding(encoding: str) -> None:
    try:
        "".encode(encoding)
    except LookupError:
        raise ValueError(f"{encoding!r} is not a text encoding; common ones are utf-8 and cp1252") from None
