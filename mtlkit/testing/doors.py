"""The three doors to the same laws: a report, pytest ids, and the replay of a counterexample."""

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from attrs import evolve, frozen

from mtlkit.contracts.card import PluginKind
from mtlkit.errors import UsageError
from mtlkit.recipe.problems import closest
from mtlkit.testing.kinds import CONTRACTS, contract
from mtlkit.testing.law import Law
from mtlkit.testing.profiles import profile_of
from mtlkit.testing.report import Outcome, Report
from mtlkit.testing.subject import Subject, subject_of

if TYPE_CHECKING:
    import pytest


def check_plugin(
    thing: Any,  # noqa: ANN401  see subject_of
    profile: str = "quick",
    *,
    kind: PluginKind | None = None,
    seed: int = 0,
    expected_failures: Mapping[str, str] | None = None,
    only: Sequence[str] = (),
) -> Report:
    """Hold a plugin against every law of its kind.

    `thing` is a `Card`; a class or an object of a policy, schedule, curve, sampler or balancer; the name
    of an installed plugin, `kind/name` where the name alone is not enough; or `"module:object"`. An
    object is tried with its own options only, everything else with generated ones. `expected_failures`
    maps ids of laws to the reason why they fail; one that passes counts as a failure. `only` names the
    laws to try, all of which must apply then.

    Raises:
        UsageError: when `thing` is no plugin, or a profile or law does not exist.
    """
    subject, expected = subject_of(thing, kind), dict(expected_failures or {})
    laws = contract(subject.kind)
    _check_ids([*expected, *only], laws)
    chosen = [law for law in laws if law.id in only or not only]
    _start_processes(subject, chosen)
    outcomes = tuple(outcome_of(law, subject, profile, seed, expected, len(laws)) for law in chosen)
    floor = len(chosen) if only else CONTRACTS[subject.kind].floor
    return Report(subject.card.name, subject.kind, profile, seed, floor, outcomes)


def _start_processes(subject: Subject, laws: Sequence[Law]) -> None:
    """Start the processes that some laws will ask, so that they are ready by then."""
    from mtlkit.testing.nursery import prepare

    if any(law.apart for law in laws) and len(laws) > 1:
        prepare(subject.kind)


def outcome_of(
    law: Law, subject: Subject, profile: str, seed: int, expected: Mapping[str, str], laws: int
) -> Outcome:
    """The outcome of one law, an expected failure or an unexpected pass included."""
    from mtlkit.testing.runner import run_law

    outcome = run_law(law, subject, profile_of(profile), seed, laws)
    if law.id not in expected or outcome.state == "not applicable":
        return outcome
    if outcome.state == "failed":
        return evolve(outcome, state="expected failure", message=expected[law.id])
    return evolve(
        outcome, state="unexpected pass", message=f"expected to fail ({expected[law.id]}), and it holds"
    )


@frozen
class Check:
    """One law as a test: call it."""

    law: Law
    subject: Subject
    profile: str
    seed: int
    expected: Mapping[str, str]
    laws: int

    def __call__(self) -> None:
        """Fail, skip or mark the running test as the law's outcome says."""
        import pytest

        outcome = outcome_of(self.law, self.subject, self.profile, self.seed, self.expected, self.laws)
        told = Report(self.subject.card.name, self.subject.kind, self.profile, self.seed, 0, (outcome,))
        if told.failed:
            pytest.fail(str(told), pytrace=False)
        if outcome.state == "not applicable":
            pytest.skip(f"not applicable: {outcome.message}")
        if outcome.state == "expected failure":
            pytest.xfail(outcome.message)


@frozen
class EnoughRan:
    """The test that enough laws apply to a plugin."""

    subject: Subject
    floor: int

    def __call__(self) -> None:
        """Fail when fewer than the floor apply."""
        import pytest

        ran = sum(not law.applies(self.subject) for law in contract(self.subject.kind))
        if ran < self.floor:
            pytest.fail(f"only {ran} laws apply; at least {self.floor} must", pytrace=False)


def conformance(
    thing: Any,  # noqa: ANN401  see subject_of
    profile: str = "quick",
    *,
    kind: PluginKind | None = None,
    seed: int = 0,
    expected_failures: Mapping[str, str] | None = None,
) -> "pytest.MarkDecorator":
    """Parametrize a test function over the laws of a plugin, one pytest id each; as `check_plugin`.

    @conformance(MyPolicy, expected_failures={"F21": "cold start by design"})
    def test_conformance(check):
        check()
    """
    import pytest

    subject, expected = subject_of(thing, kind), dict(expected_failures or {})
    laws = contract(subject.kind)
    _check_ids(expected, laws)
    profile_of(profile)
    checks: Sequence[Callable[[], None]] = [
        Check(law, subject, profile, seed, expected, len(laws)) for law in laws
    ]
    floor = EnoughRan(subject, CONTRACTS[subject.kind].floor)
    return pytest.mark.parametrize("check", [*checks, floor], ids=[*(law.id for law in laws), "enough-ran"])


def replay(id: str, thing: Any, /, **values: Any) -> None:  # noqa: ANN401  as in a report
    """Try one law on exactly these values, say what comes of it, and leave with 1 when it fails.

    Raises:
        UsageError: when there is no such law for the kind of plugin.
    """
    from mtlkit.testing.runner import attempt

    subject = subject_of(thing)
    laws = contract(subject.kind)
    _check_ids([id], laws)
    law = next(each for each in laws if each.id == id)
    message = attempt(law, subject, values)
    if message:
        sys.exit(f"{id} {law.name}: {message}")
    print(f"{id} {law.name}: holds for these values")  # noqa: T201  a script speaks


def _check_ids(ids: Iterable[str], laws: Sequence[Law]) -> None:
    known = [law.id for law in laws]
    for id_ in ids:
        if id_ not in known:
            raise UsageError(f"there is no law {id_!r} for this kind of plugin", closest(id_, known))
