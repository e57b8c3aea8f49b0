"""FreezePolicy: which weights train when."""

from collections.abc import Iterator
from typing import Any, ClassVar

import attrs
from attrs import frozen

from mtlkit.contracts.options import option
from mtlkit.contracts.params import ParamTable, Row
from mtlkit.contracts.progress import Progress
from mtlkit.contracts.statistics import Statistic


class FreezePolicy:
    """A pure function of (row, table, phase): subclass a frozen attrs class and say what trains.

    No state, no torch, no clock, no randomness: the same arguments give the same answer in any
    order, for steps from 0 to the end of the run and beyond. Where several policies are listed, a
    weight trains where all of them say so, and where the author of the model did not freeze it.
    A measurement that is NaN counts as not made, one that is logged twice as made once.
    What a policy declares decides which checks of the kit apply to it. `trains_nothing` is True for a
    policy that is meant to; otherwise an empty trainable set is an error. `monotone`: what it has once
    thawed stays thawed. `stretches`: with every `Duration` of its options and the run n times as long,
    its phases are n times as long; False where it counts steps in another way. `reads_names`: an answer
    depends on how a weight is called though no option is a pattern for it. `separates_tasks`: another task
    changes no answer for the weights of the others; False where it deals with all tasks together.
    """

    trains_nothing: ClassVar[bool] = False
    monotone: ClassVar[bool] = False
    stretches: ClassVar[bool] = True
    reads_names: ClassVar[bool] = False
    separates_tasks: ClassVar[bool] = True

    def phase(self, progress: Progress) -> int | str:
        """What stage the policy is in at this moment; `trainable` is asked again when it changes."""
        return 0

    def trainable(self, row: Row, table: ParamTable, phase: int | str) -> bool:
        """Whether the weight trains in that stage."""
        raise NotImplementedError

    def patterns(self) -> tuple[str, ...]:
        """The selectors among the options; each must match a weight of the model.

        With any, what an answer depends on of a weight's names is which of these match.
        """
        return ()

    def statistics(self) -> tuple[Statistic, ...]:
        """What the policy wants measured; it reads the values from the metric log, see `history`."""
        return ()

    def tasks(self) -> tuple[str, ...]:
        """The task names among the options; each must be a task of the recipe."""
        return ()

    def metrics(self) -> tuple[str, ...]:
        """The metrics among the options, as TASK/NAME; each must be one that a task measures."""
        return ()

    def stages(self) -> tuple[int | str, ...]:
        """All phases there may be, where that is known; a plan warns of one that never begins."""
        return ()


@frozen
class Chosen:
    """A policy among the options of another one: a table as in `[[freeze]]`, with `use` and its options."""

    use: str = option("the name of a freeze policy; all other keys are its options")
    policy: FreezePolicy = option("the policy itself")


def made_of(policy: FreezePolicy) -> Iterator[FreezePolicy]:
    """The policy, and those among its options."""
    yield policy
    yield from _among(policy)


def _among(value: Any) -> Iterator[FreezePolicy]:  # noqa: ANN401  options, or any part of them
    if isinstance(value, Chosen):
        yield from made_of(value.policy)
    elif isinstance(value, tuple):
        for each in value:
            yield from _among(each)
    elif attrs.has(type(value)):
        for field in attrs.fields(type(value)):
            yield from _among(getattr(value, field.name))
