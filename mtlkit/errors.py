"""One error family: what happened, where, what would be right, and the exit code.

Every failure that a user can cause is an `MtlkitError`. The command line prints its problems and
exits with its code; a traceback means a bug in mtlkit.
"""

import errno
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from attrs import field, frozen

CHECK = "hold it against the kit with `mtlkit check`"
NO_MEMORY = (
    "can't allocate memory",
    "Cannot allocate memory",
    "std::bad_alloc",
    "can't start new thread",
    "failed to map segment from shared object",
    "could not create a primitive",
    "Storage size calculation overflowed",
)
"""What those say that have no memory and no type of errors for it: torch, C++, Python, the linker, oneDNN."""


LONGEST = 10_000
"""Characters of a message, of a suggestion and of a place; what quotes more of its cause is cut."""


def _cut(text: str) -> str:
    if len(text) <= LONGEST:
        return text
    half = LONGEST // 2 - 20
    return f"{text[:half]} … {len(text) - 2 * half:,} characters … {text[-half:]}"


@frozen
class Problem:
    """One thing that is wrong, and what would be right.

    `path` is the dotted place in the recipe (`tasks.sentiment.head.dropout`), empty where no recipe
    is involved. `line` and `column` count from 1; both are 0 where the place is unknown.
    """

    message: str = field(converter=_cut)
    suggestion: str = field(default="", converter=_cut)
    path: str = field(default="", converter=_cut)
    file: str = ""
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line, self.column) if part)
        return "  ".join(part for part in (place, self.path, self.message, self.suggestion) if part)


class MtlkitError(Exception):
    """A failure with a cause the user can act on: `problems` says what, `exit_code` how it ends."""

    exit_code = 1

    def __init__(self, problems: str | Problem | Sequence[Problem], suggestion: str = "") -> None:
        if isinstance(problems, str):
            problems = Problem(problems, suggestion)
        if isinstance(problems, Problem):
            problems = (problems,)
        self.problems: tuple[Problem, ...] = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class UsageError(MtlkitError):
    """The command line itself is wrong."""

    exit_code = 2


class RecipeError(MtlkitError):
    """The recipe is wrong, in itself or against the data and weights it names."""

    exit_code = 2


class DataError(MtlkitError):
    """A data file can't be read as what it claims to be."""

    exit_code = 3


class PluginError(MtlkitError):
    """A plugin is broken, missing, in conflict, or broke its contract."""

    exit_code = 4


class ResourceError(MtlkitError):
    """A file, folder, package or model is not there or not whole; or the machine has no room or memory."""

    exit_code = 5


class TrainingError(MtlkitError):
    """Training went wrong: a loss that is not finite, or a frozen weight that moved."""

    exit_code = 6


class NotFiniteError(TrainingError):
    """A loss, a penalty or a gradient is NaN or infinite; no weight has been changed by it."""


class BusyError(MtlkitError):
    """Another process is at work on the run directory."""

    exit_code = 7


class StoppedError(MtlkitError):
    """A signal asked the run to stop; it is saved and can go on. The code is 128 + the signal's number."""

    exit_code = 130

    def __init__(self, message: str, suggestion: str, signal: int) -> None:
        super().__init__(message, suggestion)
        self.exit_code = 128 + signal


@contextmanager
def blaming(plugin: str, call: str) -> Iterator[None]:
    """Turn whatever a plugin raises inside the block into a `PluginError` that names it and the call.

    Raises:
        PluginError: for any exception but mtlkit's own and a lack of memory, and for an attempt to end the
            process.
    """
    try:
        yield
    except MtlkitError:
        raise
    except KeyboardInterrupt as error:
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            raise  # a Ctrl-C; where signals are handled otherwise, none becomes a KeyboardInterrupt
        raise PluginError(f"{plugin} raised KeyboardInterrupt in {call}", CHECK) from error
    except (Exception, SystemExit) as error:
        if is_memory(error):
            raise
        told = " ".join(f"{type(error).__name__}: {error}".split())
        message = f"{plugin} failed in {call}: {told}"
        raise PluginError(message, CHECK) from error


def returned(value: Any, kind: Any, plugin: str, call: str) -> Any:  # noqa: ANN401  what it returned, as it is
    """What a plugin returned from a call, known to be of that kind.

    Raises:
        PluginError: when it is not; says what was expected.
    """
    if not isinstance(value, kind):
        expected = getattr(kind, "__name__", str(kind)).replace(" | None", " or None")
        raise PluginError(f"{plugin} returned {type(value).__name__} from {call}, expected {expected}", CHECK)
    return value


def is_memory(error: BaseException) -> bool:
    """Whether an error says that there is no memory, or no thread, to be had; torch has no type for that."""
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    if isinstance(error, RuntimeError | ImportError):
        return type(error).__name__ == "OutOfMemoryError" or any(each in str(error) for each in NO_MEMORY)
    return isinstance(error, MemoryError)
