"""DataSource: rows by number, without saying what they are used for."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from attrs import frozen

from mtlkit.errors import Problem

Value = Any
"""A cell: text, a number, a truth value, None where missing, or a list of these."""
Record = Mapping[str, Value]

SPLIT_COLUMN = "split"


@frozen
class Skipped:
    """Rows that a source could not read and left out because it was told to: how many, and the first few.

    Each problem names file and line and says what is wrong there.
    """

    count: int = 0
    first: tuple[Problem, ...] = ()


class DataSource(Protocol):
    """Random access to the rows of a file, a folder or a hub data set.

    Its builder is called as `build(options)`; an option of type `Place` finds files.
    It raises `ResourceError` when a file is missing and `DataError`, naming file and line, when a row
    can't be read; a data set is never silently shorter than its file.

    A source whose rows hold what depends on where its files lie, such as paths, has an attribute `identity`,
    the columns that say which row a row is; rows are divided and limited by these, else by all columns.

    A source that can be told to leave out rows that it can't read has a method `skipped() -> Skipped`; what
    it left out is told to the user. Rows are numbered as if those were not there.

    For the conformance kit its options class offers `sample(folder)`, which writes a small data set below
    a folder and returns the options table that reads it, and where it can hold any text also
    `write(folder, rows)`, which does so for given rows.
    """

    def columns(self) -> tuple[str, ...]:
        """Column names; cheap: reads a header at most. `split` is one where the source has splits."""
        ...

    def __len__(self) -> int:
        """How many rows there are."""
        ...

    def rows(self, numbers: Sequence[int]) -> list[Record]:
        """The rows with these numbers (from 0), in the order asked for."""
        ...

    def fingerprint(self) -> str:
        """A hex digest of the content: changes with any byte, not with path or file times."""
        ...
