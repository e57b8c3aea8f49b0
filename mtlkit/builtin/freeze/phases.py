"""Freeze by a written schedule: a list of phases, each with what it freezes and when it ends."""

from collections.abc import Iterator
from typing import Annotated

from annotated_types import Ge, Le
from attrs import frozen

from mtlkit.builtin.freeze.plateau import task_of
from mtlkit.builtin.freeze.selecting import any_means, tasks_in
from mtlkit.builtin.freeze.triggers import Until, came_true, metrics_in
from mtlkit.contracts.duration import Duration
from mtlkit.contracts.freeze import FreezePolicy
from mtlkit.contracts.options import option
from mtlkit.contracts.params import ParamTable, Row
from mtlkit.contracts.progress import Progress
from mtlkit.contracts.selectors import parse


@frozen
class PhaseSpec:
    """One phase: what is frozen, and until when."""

    until: Until | None = option(
        'when the phase ends: "2ep" from the start of the run, { lasts = "2ep" }, '
        '{ metric = "TASK/NAME", patience = 3 }, { metric = "TASK/NAME", threshold = 0.9 }, '
        "{ any = […] } or { all = […] } of these; the last phase has none",
        None,
    )
    freeze: tuple[str, ...] = option("selectors of what is frozen; empty: everything trains", ())
    name: str = option("a name to show instead of the number", "")

    def __attrs_post_init__(self) -> None:
        for text in self.freeze:
            parse(text)


@frozen
class Phases(FreezePolicy):
    """Phases one after the other; each may freeze, thaw and freeze again.

    A phase begins where the one before it ends: at the step at which its `until` came true. Where that was
    before the phase began, the phase does not take place. A metric that was not measured ends nothing.

    Helps: whatever you mean to try; what is known depends on what you freeze, see the other policies.

    Does not help: no evidence known to us.
    """

    phases: tuple[PhaseSpec, ...] = option("the phases, in order of time")
    repeat: Annotated[int, Ge(1), Le(100)] = option(
        "how many times the phases are gone through; the last of the last time has no end", 1, unit="times"
    )

    def __attrs_post_init__(self) -> None:
        if not self.phases:
            raise ValueError("phases is empty; write at least one phase")
        _check_ends(self.phases, self.repeat)
        names = [phase.name for phase in self.phases if phase.name]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"two phases are named {name!r}; names must differ")

    def phase(self, progress: Progress) -> int | str:
        """The name of the phase, or its number from 0 where it has none."""
        start = 0
        for number, phase in self._in_time():
            end = None if phase.until is None else came_true(phase.until, start, progress)
            if end is None:
                return phase.name or number
            start = end
        return self.stages()[-1]

    def trainable(self, row: Row, table: ParamTable, phase: int | str) -> bool:
        """Whether no selector of that phase means the weight."""
        spec = next(spec for number, spec in enumerate(self.phases) if (spec.name or number) == phase)
        return not any_means(spec.freeze, row, table)

    def stages(self) -> tuple[int | str, ...]:
        """The names of all phases, or their numbers."""
        return tuple(phase.name or number for number, phase in enumerate(self.phases))

    def patterns(self) -> tuple[str, ...]:
        """The selectors of all phases, each once."""
        return tuple(dict.fromkeys(text for phase in self.phases for text in phase.freeze))

    def metrics(self) -> tuple[str, ...]:
        """The metrics that end phases, each once."""
        ends = [phase.until for phase in self.phases if phase.until is not None]
        return tuple(dict.fromkeys(metric for until in ends for metric in metrics_in(until)))

    def tasks(self) -> tuple[str, ...]:
        """The tasks of the metrics and those that the selectors name, each once."""
        return tuple(dict.fromkeys((*map(task_of, self.metrics()), *tasks_in(self.patterns()))))

    def _in_time(self) -> Iterator[tuple[int, PhaseSpec]]:
        for _ in range(self.repeat):
            yield from enumerate(self.phases)


def _check_ends(phases: tuple[PhaseSpec, ...], repeat: int) -> None:
    latest: dict[str, Duration] = {}
    last = len(phases)
    for number, phase in enumerate(phases, start=1):
        if repeat > 1:
            _check_repeated(number, phase.until, repeat)
        elif (phase.until is None) != (number == last):
            wanted = (
                "the last one and may not have an until"
                if number == last
                else "not the last one and needs an until"
            )
            raise ValueError(f"phase {number} of {last} is {wanted}")
        if not isinstance(phase.until, Duration):
            continue
        before = latest.get(phase.until.unit, Duration(0, phase.until.unit))
        if phase.until.amount <= before.amount:
            raise ValueError(f"phase {number} ends at '{phase.until}'; it must end after '{before}'")
        latest[phase.until.unit] = phase.until


def _check_repeated(number: int, until: Until | None, repeat: int) -> None:
    if until is None:
        raise ValueError(
            f"phase {number} has no until; each needs one where they are repeated {repeat} times"
        )
    if isinstance(until, Duration):
        raise ValueError(
            f"phase {number} ends at '{until}' of the run, so it can't be repeated; "
            f'write until = {{ lasts = "{until}" }}'
        )
