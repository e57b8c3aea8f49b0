"""How the commands write: data on standard output, everything else on standard error."""

import json
import math
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from mtlkit.errors import Problem


def say(text: str = "") -> None:
    """A line on standard output."""
    sys.stdout.write(printable(text) + "\n")


def say_json(value: Any) -> None:  # noqa: ANN401  any JSON value
    """One JSON object on standard output; numbers that are not finite, which JSON has not, are null."""
    text = json.dumps(_finite(value), indent=1, ensure_ascii=False)
    # most control characters are spelt out in JSON anyhow, but not those above the first 128
    steering = {ord(each): json.dumps(each)[1:-1] for each in set(text) - {"\n"} if not each.isprintable()}
    sys.stdout.write(text.translate(steering) + "\n")


def _finite(value: Any) -> Any:  # noqa: ANN401  any JSON value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(each) for key, each in value.items()}
    return [_finite(each) for each in value] if isinstance(value, list | tuple) else value


def note(text: str) -> None:
    """A line on standard error."""
    sys.stderr.write(printable(text) + "\n")


def show_problems(problems: Sequence[Problem]) -> None:
    """Every problem, one a line."""
    for problem in problems:
        note(str(problem))


def printable(text: str) -> str:
    """The text with control characters spelt out, so that a file can't steer the terminal."""
    return "".join(
        character if character.isprintable() or character == "\n" else repr(character)[1:-1]
        for character in text
    )


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Left-aligned columns of plain text under a header."""
    lines = [list(header), *map(list, rows)]
    widths = [max(len(line[at]) for line in lines) for at in range(len(header))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )
