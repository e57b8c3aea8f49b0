"""Bounds on what a recipe may hold, checked before and after the TOML reader sees it.

A recipe may come from a stranger. The standard reader recurses over nested arrays, takes seconds over long
dotted keys and refuses long integers with a bare `ValueError`; one linear scan ahead of it keeps all of
that out, so that any text is answered quickly and with a place.
"""

import math
import re
from collections.abc import Iterator
from datetime import date, time
from typing import Any

from mtlkit.errors import Problem, RecipeError

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 16
MAX_KEYS = 10_000
MAX_PLAIN_KEYS = 3_000
MAX_TABLES = 1_000
MAX_STRING = 64 * 1024
MAX_WORD = 256
MAX_SYMBOLS = 60_000
MAX_INTEGER = 2**63
LABELS_AT = 4  # tables of labels, which may be long, stand as deep as `data.NAME.labels.COLUMN`

# Every alternative ends at the end of the text at the latest and none can fail half-way (the repeats are
# possessive), so the scan never goes back: its time is linear in the text.
_SYMBOL = re.compile(
    r"""(?P<string>
        \"\"\"(?:[^"\\]++|\\.|"(?!""))*+(?:\"\"\"|\\?\Z)
      | '''(?:[^']++|'(?!''))*+(?:'''|\Z)
      | "(?:[^"\\\n]++|\\[^\n])*+"?
      | '[^'\n]*+'?
    )
    | (?P<comment>\#[^\n]*+)
    | (?P<lines>[ \t\r]*+\n[ \t\r\n]*+)
    | (?P<space>[ \t\r]++)
    | (?P<word>[^\s"'\#\[\]{},.=]++)
    | (?P<mark>.)
    """,
    re.VERBOSE | re.DOTALL,
)

Path = tuple[str | int, ...]


def decode(raw: bytes, file: str) -> str:
    """The text of a recipe file.

    Raises:
        RecipeError: when it is too large, is not UTF-8, starts with a byte order mark or holds a NUL.
    """
    if len(raw) > MAX_BYTES:
        raise _error("the recipe is larger than 1 MiB", "is this the right file?", file)
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8")
        problem = _at(before, len(before), "not UTF-8 text", "save the file as UTF-8", file)
        raise RecipeError(problem) from error
    if text.startswith("\ufeff"):
        raise _error("starts with a byte order mark", "save the file as UTF-8 without BOM", file, 1, 1)
    if "\0" in text:
        raise RecipeError(_at(text, text.index("\0"), "holds a NUL character", "remove it", file))
    return text


def check_text(text: str, file: str) -> None:
    """Refuse text that is too deep, too long or too busy, before the TOML reader sees it.

    Raises:
        RecipeError: naming the place where a limit is passed.
    """
    if text.count("\\") > MAX_SYMBOLS:
        raise _error(f"more than {MAX_SYMBOLS:,} backslashes", "use literal strings: '…'", file)
    for offset, message in _offences(text):
        raise RecipeError(_at(text, offset, message, "is this a recipe?", file))


def _offences(text: str) -> Iterator[tuple[int, str]]:
    depth = parts = keys = tables = 0
    begins = True
    for count, match in enumerate(_SYMBOL.finditer(text)):
        kind, mark, start = match.lastgroup, match[0], match.start()
        if count > MAX_SYMBOLS:
            yield start, f"more than {MAX_SYMBOLS:,} symbols"
        if kind == "string" and len(mark) > MAX_STRING:
            yield start, "a string is longer than 64 KiB"
        elif kind == "word" and len(mark) > MAX_WORD:
            yield start, f"a word is longer than {MAX_WORD} characters"
        elif kind == "lines":
            parts = 0
        elif kind == "mark":
            # A closing bracket can't go below zero: whatever follows it is the reader's to refuse.
            tables += mark == "{" or (mark == "[" and begins and not depth)
            depth = max(0, depth + (mark in "[{") - (mark in "]}"))
            parts = parts + 1 if mark == "." else 0
            keys += mark in "=["
        begins = kind == "lines" or (begins and kind in ("space", "comment"))
        if depth > MAX_DEPTH or parts > MAX_DEPTH:
            yield start, f"nested deeper than {MAX_DEPTH} levels"
        if keys > MAX_KEYS:
            yield start, f"more than {MAX_KEYS:,} keys"
        if tables > MAX_TABLES:
            yield start, f"more than {MAX_TABLES:,} tables"


def offending_value(data: dict[str, Any]) -> tuple[Path, str, str] | None:
    """The first value that a recipe may not hold, as (path, message, suggestion)."""
    todo: list[tuple[Path, Any]] = [((), data)]
    keys = plain = tables = 0
    while todo:
        path, value = todo.pop()
        if len(path) > MAX_DEPTH:
            return path, f"nested deeper than {MAX_DEPTH} levels", "is this a recipe?"
        if isinstance(value, dict):
            keys, tables = keys + len(value), tables + 1
            plain += len(value) if len(path) < LABELS_AT else 0
            if passed := _passed(keys, plain, tables):
                return path, passed, "is this a recipe?"
            todo += reversed([((*path, key), inner) for key, inner in value.items()])
        elif isinstance(value, list):
            todo += reversed([((*path, number), inner) for number, inner in enumerate(value)])
        elif wrong := _wrong_scalar(value):
            return path, *wrong
    return None


def _passed(keys: int, plain: int, tables: int) -> str:
    if keys > MAX_KEYS:
        return f"more than {MAX_KEYS:,} keys"
    if plain > MAX_PLAIN_KEYS:
        return f"more than {MAX_PLAIN_KEYS:,} keys that are no labels"
    return f"more than {MAX_TABLES:,} tables" if tables > MAX_TABLES else ""


def _wrong_scalar(value: object) -> tuple[str, str] | None:
    if isinstance(value, int) and not -MAX_INTEGER <= value < MAX_INTEGER:
        return "a whole number outside ±2^63", "write a smaller number"
    if isinstance(value, float) and not math.isfinite(value):
        return f"{value} is not a finite number", "write a finite number"
    if isinstance(value, date | time):
        return "a date or time is not a value of a recipe", f'write it as text: "{value}"'
    return None


def _at(text: str, offset: int, message: str, suggestion: str, file: str) -> Problem:
    line = text.count("\n", 0, offset) + 1
    column = offset - (text.rfind("\n", 0, offset) + 1) + 1
    return Problem(message, suggestion, file=file, line=line, column=column)


def _error(message: str, suggestion: str, file: str, line: int = 0, column: int = 0) -> RecipeError:
    return RecipeError(Problem(message, suggestion, file=file, line=line, column=column))
