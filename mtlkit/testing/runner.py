"""Trying one law on one plugin: corners first, then generated values, shrunk to the smallest failure."""

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from copy import deepcopy
from io import StringIO
from pathlib import Path
from signal import SIGINT, SIGTERM, getsignal, signal
from threading import current_thread, main_thread
from time import perf_counter, process_time
from traceback import extract_tb
from typing import Any
from warnings import catch_warnings, simplefilter

from attrs import define, field, frozen
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Flaky, Unsatisfiable
from hypothesis.strategies import SearchStrategy

import mtlkit
from mtlkit.testing.law import Broken, Law, Values
from mtlkit.testing.profiles import Profile
from mtlkit.testing.report import RAISED, Outcome
from mtlkit.testing.script import script
from mtlkit.testing.subject import Subject

NO_VALUES = "no options could be drawn that the plugin accepts; give its Card an example"
SHRINK_SECONDS = 5.0


def spent() -> float:
    """How long this process has worked, in seconds, however busy the machine is; waiting hardly counts."""
    return process_time() + perf_counter() / 30


@frozen
class Failure:
    """What broke a law, and the values it was tried with."""

    message: str
    values: Values | None = None


@define
class Budget:
    """The seconds that `laws` laws of a plugin have together."""

    seconds: float
    laws: int
    used: float = 0.0
    done: int = 0

    def part(self) -> float:
        """What the next law may use: more than its share where others used less, but never very little."""
        share = self.seconds / self.laws
        left = (self.seconds - self.used) / max(self.laws - self.done, 1)
        return max(share / 4, min(3 * share, 2 * left))

    def take(self, seconds: float) -> None:
        """A law has used that much."""
        self.used += seconds
        self.done += 1


@define
class Trial:
    """One law being tried; remembers what failed so that shrinking can be cut short."""

    law: Law
    subject: Subject
    seconds: float
    at_least: int
    began: float = field(factory=spent)
    examples: int = 0
    failures: dict[str, Failure] = field(factory=dict)
    failed_at: float | None = None
    passed: set[str] = field(factory=set)

    def try_values(self, values: Values) -> None:
        """Hold the law against some values; raises `Broken` where it fails.

        Out of time, only what failed before is repeated: Hypothesis replays its smallest failure.
        """
        if repr(values) in self.passed:
            return
        late = spent() > self._end()
        if late and (self.failures or self.examples >= self.at_least):
            known = self.failures.get(repr(values))
            if known:
                raise Broken(known.message)
            return
        self.examples += 1
        message = attempt(self.law, self.subject, deepcopy(dict(values)))
        if message:
            if self.failed_at is None:
                self.failed_at = spent()
            self.failures[repr(values)] = Failure(message, values)
            raise Broken(message)
        self.passed.add(repr(values))

    def last(self) -> Failure | None:
        """The smallest failure: the last one that was found."""
        return list(self.failures.values())[-1] if self.failures else None

    def _end(self) -> float:
        return self.began + self.seconds if self.failed_at is None else self.failed_at + SHRINK_SECONDS


def attempt(law: Law, subject: Subject, values: Values) -> str:
    """What is wrong, or nothing. Whatever a plugin raises counts against it, `SystemExit` included."""
    try:
        # A tracker may talk; and whether a warning is an error is not the kit's to say.
        with redirect_stdout(StringIO()), redirect_stderr(StringIO()), catch_warnings(), _kept():
            simplefilter("ignore")
            law.check(subject, **values)
    except Broken as broken:
        return str(broken)
    except (Exception, SystemExit) as error:
        if type(error).__module__.startswith("hypothesis"):
            raise
        return f"{RAISED}{type(error).__name__}: {error}{_place(error)}"
    return ""


def _place(error: BaseException) -> str:
    """File, line and function of the plugin in which it was raised; nothing where that is not the plugin."""
    kit = str(Path(mtlkit.__file__).parent / "testing")
    others = (kit, "site-packages", "<")
    frames = extract_tb(error.__traceback__)
    own = [frame for frame in frames if not any(other in frame.filename for other in others)]
    return f" ({Path(own[-1].filename).name}:{own[-1].lineno}, in {own[-1].name})" if own else ""


@contextmanager
def _kept() -> Iterator[None]:
    """Torch, the working folder and the handlers of signals put back after a law, for those that follow."""
    folder = Path.cwd()
    handlers = {number: getsignal(number) for number in (SIGINT, SIGTERM)}
    try:
        with _torch_kept():
            yield
    finally:
        os.chdir(folder)
        if current_thread() is main_thread():
            for number, handler in handlers.items():
                if getsignal(number) is not handler:
                    signal(number, handler)


@contextmanager
def _torch_kept() -> Iterator[None]:
    """Torch's settings put back after a law, where something has imported torch."""
    if "torch" not in sys.modules:
        yield
        return
    from mtlkit.testing.modules import undisturbed

    with undisturbed():
        yield


def run_law(law: Law, subject: Subject, profile: Profile, start: int, laws: int) -> Outcome:
    """The outcome of one law of `laws` that share the profile's time; `start` seeds the generation."""
    began = perf_counter()
    reason = law.applies(subject)
    if reason:
        return Outcome(law.id, law.name, law.statement, "not applicable", reason)
    budget: Budget = subject.memory.setdefault("budget", Budget(profile.seconds, laws))
    trial = Trial(law, subject, budget.part(), profile.at_least)
    failure = _find(trial, profile, start)
    budget.take(spent() - trial.began)
    seconds = perf_counter() - began
    if failure is None:
        return Outcome(law.id, law.name, law.statement, "passed", examples=trial.examples, seconds=seconds)
    shown = script(law, subject, failure.values, start, failure.message) if failure.values is not None else ""
    return Outcome(
        law.id,
        law.name,
        law.statement,
        "failed",
        failure.message,
        law.why,
        law.mistake,
        shown,
        trial.examples,
        seconds,
    )


def _find(trial: Trial, profile: Profile, start: int) -> Failure | None:
    law, subject = trial.law, trial.subject
    try:
        with catch_warnings():
            simplefilter("ignore")  # what Hypothesis thinks of a strategy is no failure of the plugin
            for values in law.corners(subject) if law.given else ({},):
                _try_corner(trial, values)
            if law.given is not None:
                examples = max(1, round(profile.examples * law.share))
                try:
                    for values in _drawn(subject, law.given, examples, start):
                        trial.try_values(values)
                except Broken:  # drawn once more, with what it takes to find a smaller failure
                    _generate(trial, law.given(subject), examples, start)
                    raise
    except Broken as broken:
        return trial.last() or Failure(str(broken))
    except Flaky:
        found = trial.last()
        message = (
            f"it does not give the same answer to the same values twice; first: {found and found.message}"
        )
        return Failure(message, found.values if found else None)
    except Unsatisfiable:
        return Failure(NO_VALUES)
    except (Exception, SystemExit) as error:  # noqa: BLE001  a plugin's options may raise anything
        return Failure(f"values could not be drawn: {type(error).__name__}: {error}")
    return None


def _try_corner(trial: Trial, values: Values) -> None:
    """Try a corner; where it fails, also with each list cut to one entry, which is shorter to read."""
    try:
        trial.try_values(values)
    except Broken:
        for name, value in values.items():
            for one in value if isinstance(value, list) and len(value) > 1 else ():
                cut = {**values, name: [one]}
                with suppress(Broken):
                    trial.try_values(cut)
                    continue
                values = cut
                break
        raise


def _drawn(
    subject: Subject, given_by: Callable[[Subject], SearchStrategy[Values]], examples: int, start: int
) -> list[Values]:
    """The first values that are drawn for these laws; most laws share a strategy, and drawing is costly."""
    known: dict[Any, tuple[int, list[Values]]] = subject.memory.setdefault("drawn", {})
    key = (given_by, start)
    if key not in known or known[key][0] < examples:
        found: list[Values] = []

        @seed(start)
        @_settings(examples)
        @given(given_by(subject))
        def collect(values: Values) -> None:
            found.append(values)

        collect()
        known[key] = (examples, found)
    count, found = known[key]
    return found if count == examples else found[:examples]


def _settings(examples: int) -> settings:
    return settings(
        max_examples=examples,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
        print_blob=False,
    )


def _generate(trial: Trial, strategy: SearchStrategy[Mapping[str, Any]], examples: int, start: int) -> None:
    @seed(start)
    @_settings(examples)
    @given(strategy)
    def tried(values: Mapping[str, Any]) -> None:
        trial.try_values(values)

    tried()
