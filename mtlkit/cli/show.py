"""How the commands write: data on standard output, everything else on standard error."""

import json
import math
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from mtlkit.contracts.shown import in_lines, one_line, printable
from mtlkit.errors import Problem


def say(line: str = "") -> None:
    """A line on standard output, whatever is in it."""
    sys.stdout.write(one_line(line) + "\n")


def say_text(text: str) -> None:
    """A text on standard output; its line ends are its maker's, who spelt out those of others."""
    sys.stdout.write(printable(text) + "\n")


def say_json(value: Any) -> None:  # noqa: ANN401  any JSON value
    """One JSON object on standard output; numbers that are not finite, which JSON has not, are null."""
    text = json.dumps(_finite(value), indent=1, ensure_ascii=not _takes_all(sys.stdout.encoding))
    # most control characters are spelt out in JSON anyhow, but not those above the first 128
    steering = {ord(each): json.dumps(each)[1:-1] for each in set(text) - {"\n"} if not each.isprintable()}
    sys.stdout.write(text.translate(steering) + "\n")


def _takes_all(encoding: str | None) -> bool:
    """Whether there is nothing that the encoding does not have; in JSON it is spelt in a way of its own."""
    return (encoding or "utf-8").lower().replace("_", "-").startswith("utf")


def _finite(value: Any) -> Any:  # noqa: ANN401  any JSON value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(each) for key, each in value.items()}
    return [_finite(each) for each in value] if isinstance(value, list | tuple) else value


def note(line: str) -> None:
    """A line on standard error, whatever is in it."""
    sys.stderr.write(one_line(line) + "\n")


def note_text(text: str) -> None:
    """A text on standard error, as `say_text`."""
    sys.stderr.write(printable(text) + "\n")


def show_problems(problems: Sequence[Problem]) -> None:
    """Every problem, one a line."""
    for problem in problems:
        note(str(problem))


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Left-aligned columns of plain text under a header."""
    lines = [[one_line(cell) for cell in line] for line in (header, *rows)]
    widths = [max(len(line[at]) for line in lines) for at in range(len(header))]
    return in_lines(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )
