"""Asking a plugin a fixed list of questions, to compare its answers under different circumstances.

Each module of laws that a kind lists first has two functions: `build(subject, table)` makes the plugin,
and `questions(plugin, subject)` maps a name to a call without arguments. What a question returns is
reduced by `plain` to something that compares and prints the same in every process.
"""

from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from typing import Any

import attrs

from mtlkit.testing.kinds import behaviour_of
from mtlkit.testing.subject import Subject

Questions = Mapping[str, Callable[[], Any]]
Answers = dict[str, Any]


def build(subject: Subject, table: Mapping[str, Any]) -> Any:  # noqa: ANN401  the plugin
    """The plugin with that options table, built as the engine builds it."""
    return behaviour_of(subject.kind).build(subject, table)


def questions(subject: Subject, plugin: Any) -> Questions:  # noqa: ANN401  the plugin
    """What plugins of this kind are asked."""
    found: Questions = behaviour_of(subject.kind).questions(plugin, subject)
    return found


def answers(subject: Subject, plugin: Any, *, backwards: bool = False) -> Answers:  # noqa: ANN401
    """Every answer, the questions asked in order or in reverse order."""
    asked = list(questions(subject, plugin).items())
    found = {name: plain(question()) for name, question in (reversed(asked) if backwards else asked)}
    return {name: found[name] for name, _ in asked}


def first_answers(subject: Subject, table: Mapping[str, Any]) -> Answers:
    """The answers of a plugin just built."""
    return answers(subject, build(subject, table))


def difference(one: Answers, other: Answers) -> str:
    """The first question that was answered differently, with both answers; empty when there is none."""
    for name, answer in one.items():
        if name not in other or other[name] != answer:
            return f"{name}: {_short(answer)} and then {_short(other.get(name))}"
    return ""


def plain(value: Any) -> Any:  # noqa: ANN401  any answer
    """The value out of strings, numbers, lists and dictionaries; tensors and arrays as digests."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, set | frozenset):
        return sorted(map(repr, value))
    if isinstance(value, Sequence):
        return [plain(each) for each in value]
    if hasattr(value, "detach"):
        value = value.detach().float().cpu().contiguous().numpy()
    if hasattr(value, "tobytes"):
        return f"{value.dtype}{list(value.shape)} {sha256(value.tobytes()).hexdigest()[:16]}"
    if attrs.has(type(value)):
        return {each.name: plain(getattr(value, each.name)) for each in attrs.fields(type(value))}
    if getattr(type(value), "__repr__", None) == object.__repr__ and hasattr(value, "__dict__"):
        return plain(vars(value))  # its own text would name its place in memory
    return repr(value)


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 120 else f"{text[:120]}…"
