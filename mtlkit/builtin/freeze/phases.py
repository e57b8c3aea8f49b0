"""Freeze by a written schedule: a list of phases, each with what it freezes."""

from attrs import frozen

from mtlkit.contracts.duration import Duration
from mtlkit.contracts.freeze import FreezePolicy
from mtlkit.contracts.options import option
from mtlkit.contracts.params import ParamTable, Row
from mtlkit.contracts.progress import Progress
from mtlkit.contracts.selectors import parse


@frozen
class PhaseSpec:
    """One phase: what is frozen, and until when, counted from the start of the run."""

    until: Duration | None = option("when the phase ends, counted from the start; the last has none", None)
    freeze: tuple[str, ...] = option("selectors of what is frozen; empty: everything trains", ())
    name: str = option("a name to show instead of the number", "")

    def __attrs_post_init__(self) -> None:
        for text in self.freeze:
            parse(text)


@frozen
class Phases(FreezePolicy):
    """Phases one after the other; each may freeze, thaw and freeze again.

    The phase of a step is the first whose `until` is not yet reached. Where ends are written in different
    units, a phase that ends before the one ahead of it never begins.
    """

    phases: tuple[PhaseSpec, ...] = option("the phases, in order of time")

    def __attrs_post_init__(self) -> None:
        if not self.phases:
            raise ValueError("phases is empty; write at least one phase")
        _check_ends(self.phases)
        names = [phase.name for phase in self.phases if phase.name]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"two phases are named {name!r}; names must differ")

    def phase(self, progress: Progress) -> int | str:
        """The name of the phase, or its number from 0 where it has none."""
        running = enumerate(self.phases)
        number, phase = next(
            (number, phase)
            for number, phase in running
            if phase.until is None or not progress.reached(phase.until)
        )
        return phase.name or number

    def trainable(self, row: Row, table: ParamTable, phase: int | str) -> bool:
        """Whether no selector of that phase means the weight."""
        spec = next(spec for number, spec in enumerate(self.phases) if (spec.name or number) == phase)
        return not any(parse(text).matches(row, table) for text in spec.freeze)

    def patterns(self) -> tuple[str, ...]:
        """The selectors of all phases, each once."""
        return tuple(dict.fromkeys(text for phase in self.phases for text in phase.freeze))

    def tasks(self) -> tuple[str, ...]:
        """The tasks that the selectors name, each once."""
        return tuple(dict.fromkeys(task for text in self.patterns() for task in parse(text).tasks))


def _check_ends(phases: tuple[PhaseSpec, ...]) -> None:
    latest: dict[str, Duration] = {}
    last = len(phases)
    for number, phase in enumerate(phases, start=1):
        if (phase.until is None) != (number == last):
            wanted = (
                "the last one and may not have an until"
                if number == last
                else "not the last one and needs an until"
            )
            raise ValueError(f"phase {number} of {last} is {wanted}")
        if phase.until is None:
            continue
        before = latest.get(phase.until.unit, Duration(0, phase.until.unit))
        if phase.until.amount <= before.amount:
            raise ValueError(f"phase {number} ends at '{phase.until}'; it must end after '{before}'")
        latest[phase.until.unit] = phase.until
