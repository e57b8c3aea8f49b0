"""Freeze what selectors or globs over weight names mean."""

from typing import ClassVar

from attrs import frozen

from mtlkit.contracts.freeze import FreezePolicy
from mtlkit.contracts.options import option
from mtlkit.contracts.params import ParamTable, Row
from mtlkit.contracts.selectors import parse


@frozen
class Pattern(FreezePolicy):
    """What any `freeze` selector means does not train, except what a `train` selector means.

    Helps: whatever you mean to try; what is known depends on what you freeze.

    Does not help: no evidence known to us.
    """

    monotone: ClassVar[bool] = True

    freeze: tuple[str, ...] = option("selectors of what is frozen, such as blocks[0:4] or backbone.*.bias")
    train: tuple[str, ...] = option("selectors of what trains all the same", ())

    def __attrs_post_init__(self) -> None:
        if not self.freeze:
            raise ValueError("freeze is empty; name at least one selector, or use the policy 'none'")
        for text in self.patterns():
            parse(text)

    def trainable(self, row: Row, table: ParamTable, phase: int | str) -> bool:
        """Whether an exception means the weight, or no `freeze` selector does."""
        if any(parse(text).matches(row, table) for text in self.train):
            return True
        return not any(parse(text).matches(row, table) for text in self.freeze)

    def patterns(self) -> tuple[str, ...]:
        """All selectors, the frozen ones first."""
        return self.freeze + self.train

    def tasks(self) -> tuple[str, ...]:
        """The tasks that the selectors name, each once."""
        return tuple(dict.fromkeys(task for text in self.patterns() for task in parse(text).tasks))
