"""What a conformance run found: one outcome for each law, counted."""

from collections import Counter
from typing import Any, Literal, get_args

from attrs import asdict, frozen

State = Literal["passed", "failed", "not applicable", "expected failure", "unexpected pass"]
STATES: tuple[State, ...] = get_args(State)
BAD: tuple[State, ...] = ("failed", "unexpected pass")
RAISED = "it raised "
"""How the message of a law begins that was stopped by an exception."""


@frozen
class Outcome:
    """What became of one law.

    `message` says what went wrong, why the law does not apply, or why a failure was expected.
    `counterexample` is a script that shows the smallest failure found. `examples` counts what was tried.
    """

    law: str
    name: str
    statement: str
    state: State
    message: str = ""
    why: str = ""
    mistake: str = ""
    counterexample: str = ""
    examples: int = 0
    seconds: float = 0.0


@frozen
class Report:
    """The outcomes of all laws for one plugin; green only when enough of them ran."""

    plugin: str
    kind: str
    profile: str
    seed: int
    floor: int
    outcomes: tuple[Outcome, ...]

    @property
    def ran(self) -> int:
        """How many laws were tried."""
        return sum(outcome.state != "not applicable" for outcome in self.outcomes)

    @property
    def failed(self) -> tuple[str, ...]:
        """The ids of the laws that failed, or passed against expectation."""
        return tuple(outcome.law for outcome in self.outcomes if outcome.state in BAD)

    @property
    def passed(self) -> bool:
        """Whether nothing failed and at least `floor` laws ran."""
        return not self.failed and self.ran >= self.floor

    @property
    def counts(self) -> dict[str, int]:
        """State → number of laws."""
        found = Counter(outcome.state for outcome in self.outcomes)
        return {state: found[state] for state in STATES}

    @property
    def seconds(self) -> float:
        """How long all of it took."""
        return sum(outcome.seconds for outcome in self.outcomes)

    def document(self) -> dict[str, Any]:
        """Everything as JSON values."""
        told = {"passed": self.passed, "ran": self.ran, "counts": self.counts}
        return {**asdict(self), **told, "seconds": round(self.seconds, 3)}

    def __str__(self) -> str:
        told = ", ".join(f"{count} {state}" for state, count in self.counts.items() if count)
        head = f"{self.kind} {self.plugin}: {told} (profile {self.profile}, seed {self.seed})"
        return "\n".join([head, *self._floor(), *self._told(), *self._verdict()])

    def _told(self) -> list[str]:
        """Each outcome; what fails with the same exception as a law before it is not told again."""
        first: dict[str, str] = {}
        lines = []
        for outcome in self.outcomes:
            raised = outcome.state == "failed" and outcome.message.startswith(RAISED)
            known = first.setdefault(outcome.message, outcome.law) if raised else outcome.law
            lines.append(_described(outcome) if known == outcome.law else f"{_line(outcome)}: as {known}")
        return lines

    def _verdict(self) -> list[str]:
        """The ids that failed, at the end, where a terminal shows them."""
        return [f"failed: {' '.join(self.failed)}"] if self.failed and len(self.outcomes) > 1 else []

    def _floor(self) -> list[str]:
        if self.ran >= self.floor:
            return []
        return [f"only {self.ran} laws ran; at least {self.floor} must for a {self.kind}"]


def _line(outcome: Outcome) -> str:
    return f"  {outcome.law:<4} {outcome.state:<16} {outcome.name}"


def _described(outcome: Outcome) -> str:
    line = _line(outcome)
    if outcome.state == "passed":
        return line
    if outcome.state not in BAD:
        return f"{line}: {outcome.message}"
    told = {
        "": outcome.message,
        "the law: ": outcome.statement,
        "why: ": outcome.why,
        "usual mistake: ": outcome.mistake,
    }
    lines = [line, *(f"       {word}{text}" for word, text in told.items() if text)]
    if outcome.counterexample:
        lines += ["", outcome.counterexample]  # not indented, so that it can be copied
    return "\n".join(lines)
