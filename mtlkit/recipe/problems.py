"""pydantic's errors in plain words, each at its place in the recipe and with what would be right."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher
from typing import Any, get_args, get_origin

import pydantic
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from mtlkit.contracts.duration import EXAMPLES
from mtlkit.contracts.nearest import nearest
from mtlkit.errors import Problem
from mtlkit.recipe.document import Document, KeyPath
from mtlkit.recipe.model import SLUG, Recipe

MAX_PROBLEMS = 100
_CHOICES = 8
_EXPECTED = {
    "int": ("a whole number", "write a whole number such as 3"),
    "float": ("a number", "write a number such as 0.5"),
    "off": ("false", "write false"),
    "duration": ("a duration", f"write {EXAMPLES}"),
    "string": ("text", 'write text in quotes: "…"'),
    "bool": ("true or false", "write true or false, without quotes"),
    "list": ("a list", "write a list: [ … ]"),
    "tuple": ("a list", "write a list: [ … ]"),
    "dict": ("a table", "write a table: { key = value }"),
    "mapping": ("a table", "write a table: { key = value }"),
    "model": ("a table", "write a table: { key = value }"),
}
_BOUNDS = {"greater_than": "gt", "greater_than_equal": "ge", "less_than": "lt", "less_than_equal": "le"}
_BOUND_WORDS = {"gt": "above", "ge": "of at least", "lt": "below", "le": "of at most"}


def closest(word: str, candidates: Iterable[str]) -> str:
    """A suggestion: `did you mean 'x'?`, or up to eight choices where nothing is near."""
    names = list(dict.fromkeys(candidates))
    near = nearest(word.lower(), names)
    if near:
        return f"did you mean {near!r}?"
    more = f", … ({len(names)} in all)" if len(names) > _CHOICES else ""
    return f"choose from {', '.join(names[:_CHOICES])}{more}" if names else ""


def dotted(path: KeyPath) -> str:
    """`freeze[1].layers`; a key with a dot or a space in it is quoted as in TOML."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            name = part if re.fullmatch(r"[\w-]+", part) else f'"{part}"'
            text += f".{name}" if text else name
    return text


def problem_at(
    document: Document, path: KeyPath, message: str, suggestion: str = "", *, key: bool = False
) -> Problem:
    """A problem of the value, or of the key, at `path`."""
    file, line, column = document.position(path, "key" if key else "value")
    return Problem(message, suggestion, dotted(path), file, line, column)


def from_validation_error(
    error: pydantic.ValidationError, document: Document, prefix: KeyPath, model: type[pydantic.BaseModel]
) -> list[Problem]:
    """One problem per wrong place of the table at `prefix` that was validated against `model`."""
    details = error.errors(include_url=False)
    if len(details) > MAX_PROBLEMS:
        details = details[:MAX_PROBLEMS]
    places: dict[KeyPath, list[ErrorDetails]] = defaultdict(list)
    for detail in _one_branch(details, document, prefix):
        places[_clean(detail, document, prefix)[0]].append(detail)
    return [_problem(path, group, document, prefix, model) for path, group in places.items()]


def _clean(
    detail: ErrorDetails, document: Document, prefix: KeyPath, after: int = 0
) -> tuple[KeyPath, int | None]:
    """The place without what pydantic adds (union tags), and where in `loc`, from `after`, a first tag is."""
    path, tag = prefix, None
    loc = detail["loc"]
    for number, part in enumerate(loc):
        last = number == len(loc) - 1
        if document.known((*path, part)) == (*path, part) or (last and detail["type"] == "missing"):
            path = (*path, part)
        elif part != "[key]" and isinstance(part, str) and tag is None and number >= after:
            tag = number
    return path, tag


def _one_branch(
    details: Sequence[ErrorDetails], document: Document, prefix: KeyPath, after: int = 0
) -> list[ErrorDetails]:
    """Of a union's alternatives, keep the errors of the one that was most likely meant, also below it."""
    unions: dict[KeyPath, dict[str, list[ErrorDetails]]] = {}
    kept: list[ErrorDetails] = []
    for detail in details:
        _, tag = _clean(detail, document, prefix, after)
        if tag is None:
            kept.append(detail)
        else:
            branches = unions.setdefault(detail["loc"][:tag], {})
            branches.setdefault(str(detail["loc"][tag]), []).append(detail)
    for place, branches in unions.items():
        meant = [errors for errors in branches.values() if not _refused(errors, document, prefix, after)]
        chosen = [min(meant, key=len)] if meant else list(branches.values())
        kept += [each for errors in chosen for each in _one_branch(errors, document, prefix, len(place) + 1)]
    return kept


def _refused(errors: Sequence[ErrorDetails], document: Document, prefix: KeyPath, after: int) -> bool:
    """Whether an alternative refused the value as a whole for its type: then it wasn't what was meant."""
    path, tag = _clean(errors[0], document, prefix, after)
    whole: ErrorDetails = {**errors[0], "loc": errors[0]["loc"][:tag]}
    inside = path != _clean(whole, document, prefix)[0]
    return not inside and (errors[0]["type"].endswith("_type") or errors[0]["type"] == "literal_error")


def _problem(
    path: KeyPath,
    group: Sequence[ErrorDetails],
    document: Document,
    prefix: KeyPath,
    model: type[pydantic.BaseModel],
) -> Problem:
    group = _worded(group)
    detail = group[0]
    kind, given = detail["type"], detail["input"]
    if kind.startswith("union_tag_"):
        return _untagged(path, detail, document)
    if kind == "extra_forbidden":
        message, suggestion = f"unknown key {str(path[-1])!r}", _unknown(path, prefix, model)
        return problem_at(document, path, message, suggestion, key=True)
    if kind == "missing":
        return problem_at(
            document, path, f"missing key {str(path[-1])!r}", _missing(path, prefix, model, given), key=True
        )
    if "[key]" in detail["loc"]:
        return problem_at(document, path, *_value(detail), key=True)
    expected = {_expected(each): None for each in group if each["type"].endswith("_type") or len(group) > 1}
    if len(expected) > 1:
        words = " or ".join(name for name, _ in expected)
        return problem_at(document, path, f"{_shown(given)} is not {words}", f"write {words}")
    return problem_at(document, path, *_value(detail))


def _worded(group: Sequence[ErrorDetails]) -> Sequence[ErrorDetails]:
    """Where a word is refused that may also be a table: the error about the word alone."""
    words = [each for each in group if each["type"] == "literal_error" and isinstance(each["input"], str)]
    tables = [each for each in group if each["type"] in ("dict_type", "model_type")]
    return words if words and len(words) + len(tables) == len(group) else group


def _untagged(path: KeyPath, detail: ErrorDetails, document: Document) -> Problem:
    """A table whose key `use` is to say which of several it is, and does not."""
    choices = _choices(detail)
    if detail["type"] == "union_tag_not_found":
        return problem_at(document, (*path, "use"), "missing key 'use'", "add use = …", key=True)
    word = detail["ctx"]["tag"]
    return problem_at(document, (*path, "use"), f"{word!r} is not a choice here", _advised(choices))


def _value(detail: ErrorDetails) -> tuple[str, str]:
    kind, given, context = detail["type"], detail["input"], detail.get("ctx", {})
    shown = _shown(given)
    if kind == "value_error":
        message, _, suggestion = str(context["error"]).partition("; ")
        return message, suggestion
    if kind in _BOUNDS:
        bound = _BOUNDS[kind]
        word = "small" if bound in ("gt", "ge") else "large"
        return f"{shown} is too {word}", f"write a number {_BOUND_WORDS[bound]} {bound_text(context[bound])}"
    if kind == "literal_error":
        choices = _choices(detail)
        return f"{shown} is not a choice here", _advised(choices)
    if kind == "string_pattern_mismatch" and context["pattern"] == SLUG:
        return (
            f"{shown} is not a name",
            f"write {_slug(str(given))!r}: lower-case letters, digits, '_', '-' and '.'",
        )
    if kind == "string_pattern_mismatch":
        return f"{shown} has the wrong form", "write TASK/METRIC" if "/" in context["pattern"] else context[
            "pattern"
        ]
    if kind.endswith("_type"):
        name, suggestion = _expected(detail)
        return f"{shown} is not {name}", _quoting(given, name) or suggestion
    return f"{shown}: {detail['msg'][:1].lower()}{detail['msg'][1:]}", ""


def bound_text(bound: float) -> str:
    """A bound to the last digit: `1000000`, not `1e+06`."""
    return str(bound) if isinstance(bound, int) else f"{bound:g}"


def _advised(choices: Sequence[str]) -> str:
    """Which to choose, of many the nearest."""
    if len(choices) <= _CHOICES:
        return f"choose {_either(choices)}"
    return f"choose {', '.join(map(repr, choices[:_CHOICES]))}, … ({len(choices)} in all)"


def _expected(detail: ErrorDetails) -> tuple[str, str]:
    kind = detail["type"].removesuffix("_type")
    if kind == "literal_error":
        return _either(_choices(detail)), ""
    return _EXPECTED.get(kind, (kind.replace("_", " "), ""))


def _choices(detail: ErrorDetails) -> list[str]:
    """The choices of a literal, the nearest first."""
    context = detail.get("ctx", {})
    expected = context.get("expected", context.get("expected_tags", "")).replace(" or ", ", ")
    choices = re.findall(r"'((?:[^'\\]|\\.)*)'|([^\s,']+)", expected)
    word = str(context.get("tag", detail["input"]))
    return sorted((a or b for a, b in choices), key=lambda name: -_likeness(word, name))


def _quoting(given: object, name: str) -> str:
    if isinstance(given, str) and "number" in name and re.fullmatch(r"[+-]?\d+(\.\d+)?(e[+-]?\d+)?", given):
        return f"write {given} without quotes"
    if type(given) is float and name == "a whole number":
        return f"write {round(given)}"
    if isinstance(given, int | float) and name == "text":
        return f'write "{_shown(given)}" in quotes'
    if isinstance(given, str | int | float) and name == "a list":
        return f"write [{_shown(given)}]"
    return ""


def _shown(given: object) -> str:
    if isinstance(given, bool):
        return str(given).lower()
    if isinstance(given, dict):
        return "a table"
    if isinstance(given, list):
        return "a list"
    text = repr(given)
    return text if len(text) <= 60 else f"{text[:56]}…{text[-1]}"


def _either(names: Sequence[str]) -> str:
    quoted = [name if name in ("True", "False") else repr(name) for name in names]
    return " or ".join(", ".join(quoted).rsplit(", ", 1)).replace("False", "false").replace("True", "true")


def _likeness(word: str, name: str) -> float:
    return SequenceMatcher(None, word[:64].lower(), name).ratio()


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9_.-]+", "-", text.lower()).strip("-_.")[:64] or "name"


def _unknown(path: KeyPath, prefix: KeyPath, model: type[pydantic.BaseModel]) -> str:
    word = str(path[-1])
    known = set(_fields(model, path[len(prefix) : -1])) | set(_own_keys(path[:-1]))
    elsewhere = [section for section, keys in _sections() if word in keys]
    near = nearest(word.lower(), sorted(known), cutoff=0.85)
    if elsewhere and not near:
        whole = [section for section in elsewhere if "NAME" not in section]  # more likely than one of many
        return f"{word!r} belongs in {(whole or elsewhere)[0]}"
    return closest(word, sorted(known)) or "no keys are known here"


def _missing(path: KeyPath, prefix: KeyPath, model: type[pydantic.BaseModel], given: object) -> str:
    fields = _fields(model, path[len(prefix) : -1])
    strays = [key for key in given if key not in fields] if isinstance(given, dict) else []
    if near := nearest(str(path[-1]), strays):
        return f"rename {near!r} to {str(path[-1])!r}"
    field = fields.get(str(path[-1]))
    description = f": {field.description}" if field is not None and field.description else ""
    if field is not None and (_models(field.annotation) or get_origin(field.annotation) is dict):
        inner = ".NAME" if get_origin(field.annotation) is dict else ""
        return f"add [{dotted(path)}{inner}]{description}"
    return f"add {path[-1]} = …{description}"


def _own_keys(path: KeyPath) -> list[str]:
    """The keys that the recipe itself, not the plugin, knows in the table at `path`."""
    return list(_fields(Recipe, path))


def _sections() -> list[tuple[str, list[str]]]:
    sections = [("[data.NAME]", "data", "x"), ("[tasks.NAME]", "tasks", "x"), ("[lr]", "lr", "")]
    sections += [
        ("[training]", "training", ""),
        ("[selection]", "selection", ""),
        ("[logging]", "logging", ""),
    ]
    found = [
        (title, [*_fields(Recipe, (first, second) if second else (first,))])
        for title, first, second in sections
    ]
    found.append(("[data.NAME.split]", [*_fields(Recipe, ("data", "x", "split"))]))
    found.append(("the top of the recipe", [*Recipe.model_fields]))
    return [(title, [key for key in keys if key != "use"]) for title, keys in found]


def _fields(model: type[pydantic.BaseModel], path: KeyPath) -> dict[str, FieldInfo]:
    """The fields that a table at `path` below `model` may have, over all alternatives of a union."""
    models: list[type[pydantic.BaseModel]] = [model]
    inside: list[Any] = []  # element types of the mapping or list that the path is in
    listed = False  # a single table may stand for a list of one
    for part in path:
        if inside:
            annotations = inside
        elif isinstance(part, int):
            continue
        else:
            annotations = [each.model_fields[part].annotation for each in models if part in each.model_fields]
        models = [found for each in annotations for found in _models(each)]
        inside = [] if models else [arg for each in annotations for arg in _elements(each)]
        listed = bool(inside) and not any(_is_mapping(each) for each in annotations)
        if not models and not inside:
            return {}
    elements = [found for each in inside for found in _models(each)] if listed else []
    return {name: field for each in [*models, *elements] for name, field in each.model_fields.items()}


def _models(annotation: Any) -> list[type[pydantic.BaseModel]]:  # noqa: ANN401  any annotation
    if isinstance(annotation, type) and issubclass(annotation, pydantic.BaseModel):
        return [annotation]
    if get_origin(annotation) in (dict, list, tuple) or _is_mapping(annotation):
        return []
    return [found for arg in get_args(annotation) for found in _models(arg)]


def _elements(annotation: Any) -> list[Any]:  # noqa: ANN401  any annotation
    arguments = get_args(annotation)
    if _is_mapping(annotation):
        return [arguments[1]]
    if get_origin(annotation) in (list, tuple):
        return [arg for arg in arguments if arg is not Ellipsis]
    return [found for arg in arguments for found in _elements(arg)]


def _is_mapping(annotation: Any) -> bool:  # noqa: ANN401  any annotation
    origin = get_origin(annotation)
    return isinstance(origin, type) and hasattr(origin, "keys") and len(get_args(annotation)) == 2
