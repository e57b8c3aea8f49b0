"""JSON as data files have it: no key twice, no number that is not finite."""

import json
import math
import re
from pathlib import Path
from typing import Any

from mtlkit.contracts.data import Value
from mtlkit.errors import DataError, Problem

ADVICE = 'every line is one object: {"text": "...", "label": "..."}'
HALF = re.compile(r"[\ud800-\udfff]")
NO_TEXT = "is not usable JSON: it holds half of a surrogate pair, which is no character"
DEPTH = 64
TOO_DEEP = f"is not usable JSON: it is nested deeper than {DEPTH} levels"


def decoded(text: str, path: Path, line: int) -> dict[str, Value]:
    """The object that a line is.

    Raises:
        DataError: naming file and line, when it is not one JSON object, repeats a key, is nested too deep,
            holds half of a surrogate pair or a number that is not finite.
    """
    try:
        found = DECODER.decode(text.rstrip("\r\n"))
    except json.JSONDecodeError as error:
        message = f"is not JSON: {error.msg}"
        raise DataError(Problem(message, ADVICE, file=str(path), line=line, column=error.colno)) from error
    except RecursionError as error:
        raise DataError(Problem(TOO_DEEP, file=str(path), line=line)) from error
    except ValueError as error:
        raise DataError(Problem(f"is not usable JSON: {error}", file=str(path), line=line)) from error
    if text.count("[") + text.count("{") > DEPTH and _is_deep(found):
        raise DataError(Problem(TOO_DEEP, file=str(path), line=line))
    if "\\u" in text and HALF.search(json.dumps(found, ensure_ascii=False)):
        raise DataError(Problem(NO_TEXT, file=str(path), line=line))
    if not isinstance(found, dict):
        raise DataError(Problem("is not a JSON object", ADVICE, file=str(path), line=line))
    return found


def _is_deep(value: Any) -> bool:  # noqa: ANN401  any JSON
    layer = [value] if isinstance(value, dict | list) else []
    for _ in range(DEPTH):
        held = [each.values() if isinstance(each, dict) else each for each in layer]
        layer = [each for inner in held for each in inner if isinstance(each, dict | list)]
        if not layer:
            return False
    return True


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        for key, _ in pairs:  # a key that was taken out already is the second of its name
            if found.pop(key, found) is found:
                raise ValueError(f"the key {key!r} is there twice")
    return found


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is not a finite number")
    return number


DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_float=_finite, parse_constant=_finite)
