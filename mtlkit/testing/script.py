"""A counterexample as a script that runs by itself."""

import re
from collections.abc import Iterator
from inspect import isclass
from typing import Any

import mtlkit
from mtlkit.contracts.card import Card
from mtlkit.testing.law import Law, Values
from mtlkit.testing.subject import Subject

_NUMBERS = re.compile(r"(?<![\w.'\"])(nan|inf)(?![\w'\"])")


def script(law: Law, subject: Subject, values: Values, seed: int, message: str) -> str:
    """Python source that tries the law once more on exactly these values; leaves with 1 while it fails."""
    imports, thing = _thing(subject)
    written = "".join(f"    {name}={value!r},\n" for name, value in values.items())
    public = sorted({name for name in _names(written) if name in mtlkit.__all__})
    numbers = sorted(set(_NUMBERS.findall(written)))
    heads = [
        *(f"from math import {', '.join(numbers)}" for _ in numbers[:1]),
        *(f"import sys\n\nsys.path.insert(0, {folder!r})" for folder in subject.folders if imports),
        *(f"from mtlkit import {', '.join(public)}" for _ in public[:1]),
        "from mtlkit.testing import replay",
        *imports,
    ]
    told = " ".join(message.split()).replace("\\", "/").replace('"""', "'''")
    lines = "\n".join(heads)
    return (
        f'"""{law.id}, {law.name} (seed {seed}): {told}"""\n\n{lines}\n\n'
        f"replay(\n    {law.id!r},\n    {thing},\n{written})\n"
    )


def _thing(subject: Subject) -> tuple[list[str], str]:
    """Import lines, and an expression for what was tested."""
    thing = subject.thing
    if isinstance(thing, str):
        return [], repr(thing)
    if isinstance(thing, Card):
        return _card(thing)
    cls = thing if isclass(thing) else type(thing)
    lines = _import(cls)
    if thing is cls:
        return lines, cls.__name__
    arguments = ", ".join(f"{name}={value!r}" for name, value in (subject.table or {}).items())
    return lines, f"{cls.__name__}({arguments})"


def _card(card: Card) -> tuple[list[str], str]:
    lines = ["from mtlkit import Card"]
    parts = [f"kind={card.kind!r}", f"name={card.name!r}", f"summary={card.summary!r}"]
    for name in ("options", "build"):
        value = getattr(card, name)
        if value is None or isinstance(value, str):
            parts.append(f"{name}={value!r}")
        else:
            lines += _import(value)
            parts.append(f"{name}={value.__name__}")
    if card.example:
        parts.append(f"example={dict(card.example)!r}")
    return list(dict.fromkeys(lines)), f"Card({', '.join(parts)})"


def _import(value: Any) -> list[str]:  # noqa: ANN401  a class or a function
    if "<locals>" in value.__qualname__ or value.__module__ == "__main__":
        return [f"# {value.__name__} lives in {value.__qualname__}: copy its definition here"]
    outer, _, _ = value.__qualname__.partition(".")
    lines = [f"from {value.__module__} import {outer}"]
    return lines if outer == value.__name__ else [*lines, f"{value.__name__} = {value.__qualname__}"]


def _names(source: str) -> Iterator[str]:
    yield from re.findall(r"\b([A-Z]\w+)\(", source)
