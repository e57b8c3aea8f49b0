"""The command that goes on with a run that was stopped, with the plugin files that it needs."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from shlex import quote

from mtlkit.errors import StoppedError

COMMAND = "go on with: mtlkit resume "


@contextmanager
def naming_plugins(files: Sequence[str | Path]) -> Iterator[None]:
    """Have the command that a stop inside the block tells of name these plugin files.

    Raises:
        StoppedError: the one that was raised inside.
    """
    try:
        yield
    except StoppedError as error:
        (problem,) = error.problems
        if not files or not problem.suggestion.startswith(COMMAND):
            raise
        words = "".join(f" --plugin {quote(str(file))}" for file in files)
        signal = error.exit_code - 128
        raise StoppedError(problem.message, problem.suggestion + words, signal) from error
