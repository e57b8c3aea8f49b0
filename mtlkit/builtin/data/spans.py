"""Where the rows of text files lie: 16 bytes a row in memory, the rows themselves on disk."""

from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import ExitStack

from mtlkit.builtin.data.table import check_numbers
from mtlkit.builtin.data.text_file import ReadAt, TextFile

AT_ONCE = 2**18


class Spans:
    """Rows as stretches of bytes in files, numbered from 0 through all files."""

    def __init__(self) -> None:
        self.files: list[TextFile] = []
        self._firsts: list[int] = []
        self._starts, self._ends = array("Q"), array("Q")

    def begin(self, file: TextFile) -> None:
        """The rows to come are of this file."""
        self.files.append(file)
        self._firsts.append(len(self._starts))

    def add(self, start: int, end: int) -> None:
        """A row from one byte to another, exclusive."""
        self._starts.append(start)
        self._ends.append(end)

    def __len__(self) -> int:
        return len(self._starts)

    def read(self, numbers: Sequence[int]) -> Iterator[tuple[int, bytes]]:
        """For each of these rows the number of its file and its bytes; neighbours are read together.

        Raises:
            IndexError: when there is no row of that number.
            ResourceError: when a file can't be read.
            DataError: when a file has changed since it was first read.
        """
        check_numbers(numbers, len(self))
        opened: dict[int, ReadAt] = {}
        with ExitStack() as stack:
            for run in self._runs(numbers):
                at = bisect_right(self._firsts, run[0]) - 1
                if at not in opened:
                    opened[at] = stack.enter_context(self.files[at].at_places())
                first = self._starts[run[0]]
                block = opened[at](first, self._ends[run[-1]])
                for number in run:
                    yield at, block[self._starts[number] - first : self._ends[number] - first]

    def _runs(self, numbers: Sequence[int]) -> Iterator[list[int]]:
        """The numbers in their order, those together that follow each other in one file."""
        run: list[int] = []
        for number in numbers:
            if run and not self._follows(run, number):
                yield run
                run = []
            run.append(number)
        if run:
            yield run

    def _follows(self, run: list[int], number: int) -> bool:
        if number != run[-1] + 1 or self._ends[number] - self._starts[run[0]] > AT_ONCE:
            return False
        return self._starts[number] >= self._ends[run[-1]] and number not in self._firsts
