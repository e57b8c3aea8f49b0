"""Thaw some weights once, at a given time."""

from typing import ClassVar

from attrs import frozen

from mtlkit.builtin.freeze.selecting import any_means, check_selectors, tasks_in
from mtlkit.contracts.duration import Duration
from mtlkit.contracts.freeze import FreezePolicy
from mtlkit.contracts.options import option
from mtlkit.contracts.params import ParamTable, Row
from mtlkit.contracts.progress import Progress

FROZEN, THAWED = 0, 1


@frozen
class UnfreezeAt(FreezePolicy):
    """What any selector means is frozen until a time and trains from there on; the rest always trains.

    Helps: as the first half of LP-FT, see `lp-ft`; otherwise, no evidence known to us.

    Does not help: no evidence known to us.
    """

    monotone: ClassVar[bool] = True

    what: tuple[str, ...] = option("selectors of what is frozen at first, such as backbone or blocks[0:4]")
    at: Duration = option("when it thaws, counted from the start of the run")

    def __attrs_post_init__(self) -> None:
        check_selectors(self.what, "what")

    def phase(self, progress: Progress) -> int:
        """0 until the time has come, then 1."""
        return THAWED if progress.reached(self.at) else FROZEN

    def trainable(self, row: Row, table: ParamTable, phase: int | str) -> bool:
        """Whether the time has come or no selector means the weight."""
        return phase == THAWED or not any_means(self.what, row, table)

    def stages(self) -> tuple[int, ...]:
        """Both."""
        return (FROZEN, THAWED)

    def patterns(self) -> tuple[str, ...]:
        """The selectors."""
        return self.what

    def tasks(self) -> tuple[str, ...]:
        """The tasks that the selectors name."""
        return tasks_in(self.what)
