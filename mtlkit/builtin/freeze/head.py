"""Freeze the heads of some tasks."""

from typing import ClassVar

from attrs import frozen

from mtlkit.contracts.freeze import FreezePolicy
from mtlkit.contracts.options import option
from mtlkit.contracts.params import ParamTable, Row


@frozen
class FreezeHead(FreezePolicy):
    """The heads of the named tasks do not train; the backbone and the other heads do.

    Helps: keeping a task that is done as it is while others are learned on top of the same weights; on
    quality, no evidence known to us.

    Does not help: while the backbone trains: the features that the frozen head reads move under it.
    """

    monotone: ClassVar[bool] = True

    task: str | tuple[str, ...] = option("the task whose head is frozen, or a list of tasks")

    def __attrs_post_init__(self) -> None:
        if not all(self.tasks()) or not self.tasks():
            raise ValueError(f"task is {self.task!r}; name at least one task")

    def trainable(self, row: Row, table: ParamTable, phase: int | str) -> bool:
        """Whether the weight belongs to none of the named tasks."""
        return row.owner not in self.tasks() or row.role != "head"

    def tasks(self) -> tuple[str, ...]:
        """The named tasks."""
        return (self.task,) if isinstance(self.task, str) else self.task
