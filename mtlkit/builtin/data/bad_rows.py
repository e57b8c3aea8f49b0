"""What becomes of a row that can't be read: an error with its file and line, or a place in a count."""

from typing import Literal

from attrs import define, field

from mtlkit.contracts.data import Skipped
from mtlkit.errors import DataError, Problem

OnBadRow = Literal["error", "skip"]
ON_BAD_ROW = "what a row that can't be read does: end with its file and line, or be left out and counted"
SHOWN = 5


@define
class BadRows:
    """The rows of a source that could not be read."""

    mode: OnBadRow = "error"
    count: int = 0
    first: list[Problem] = field(factory=list)

    def meet(self, problem: Problem) -> None:
        """Take note of a row that can't be read.

        Raises:
            DataError: unless such rows are to be left out.
        """
        if self.mode == "error":
            raise DataError(problem)
        self.count += 1
        if len(self.first) < SHOWN:
            self.first.append(problem)

    def skipped(self) -> Skipped:
        """How many there were, and the first few."""
        return Skipped(self.count, tuple(self.first))
