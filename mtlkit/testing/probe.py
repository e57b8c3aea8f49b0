"""A plugin imported and asked in a fresh process, with a report of what its import did besides."""

import os
import random
import signal
import sys
import threading
from collections.abc import Mapping, Sequence
from importlib import import_module
from inspect import isclass
from pathlib import Path
from typing import Any

from mtlkit.contracts.card import Card
from mtlkit.testing.subject import Subject, subject_of

TOUCHING = ("socket.connect", "socket.bind", "socket.getaddrinfo", "subprocess.Popen", "os.system", "os.fork")
WRITING = ("os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.symlink", "os.link", "shutil.rmtree")


def importable(subject: Subject) -> str:
    """Why a fresh process can't import the plugin, or nothing."""
    for value in _objects(subject):
        if "<locals>" in value.__qualname__ or value.__module__ == "__main__":
            return f"{value.__qualname__} can't be imported by another process"
    return ""


def modules(subject: Subject) -> list[str]:
    """The modules that the plugin lives in."""
    card = subject.card
    named = [each.partition(":")[0] for each in (card.options, card.build) if isinstance(each, str)]
    return list(dict.fromkeys([*named, *(value.__module__ for value in _objects(subject))]))


def describe(subject: Subject) -> Any:  # noqa: ANN401  a JSON value
    """How another process finds the same plugin."""
    if isinstance(subject.thing, str):
        return subject.thing
    if isinstance(subject.thing, Card):
        card = subject.thing
        parts = {name: _address(getattr(card, name)) for name in ("options", "build")}
        plain = {name: getattr(card, name) for name in ("kind", "name", "summary")}
        return {**plain, **parts, "example": dict(card.example)}
    cls = subject.thing if isclass(subject.thing) else type(subject.thing)
    return [cls.__module__, cls.__qualname__]


def _objects(subject: Subject) -> list[Any]:
    card = subject.card
    return [each for each in (card.options, card.build) if each is not None and not isinstance(each, str)]


def _address(value: Any) -> Any:  # noqa: ANN401  a string, a list or None
    return value if value is None or isinstance(value, str) else [value.__module__, value.__qualname__]


def answer(request: Mapping[str, Any]) -> dict[str, Any]:
    """Import the `modules` of a request under observation, then ask the plugin with each of its tables.

    `thing` is what `describe` wrote, `path` is for `sys.path`; `backwards` reverses the order of questions.
    """
    sys.path[:] = list(dict.fromkeys(request["path"]))
    told: dict[str, Any] = {"effects": _imported(request["modules"]), "answers": [], "error": ""}
    try:
        told["answers"] = _answers(request["thing"], request["tables"], request["backwards"])
    except (Exception, SystemExit) as error:  # noqa: BLE001  a plugin may raise anything
        told["error"] = f"{type(error).__name__}: {error}"
    return told


def _imported(names: Sequence[str]) -> list[str]:
    """What importing the modules did besides importing."""
    seen: list[str] = []
    watching = [True]

    def audit(event: str, arguments: tuple[Any, ...]) -> None:
        if watching[0] and (event in TOUCHING or event in WRITING or _writes(event, arguments)):
            seen.append(f"{event} {arguments[0] if arguments else ''}".strip())

    before = _globals()
    sys.addaudithook(audit)
    for name in names:
        try:
            import_module(name)
        except (Exception, SystemExit) as error:  # noqa: BLE001  a plugin may raise anything
            seen.append(f"importing {name} raised {type(error).__name__}: {error}")
    watching[0] = False
    after = _globals()
    return [*dict.fromkeys(seen), *(f"changed {name}" for name in before if before[name] != after[name])]


def _writes(event: str, arguments: tuple[Any, ...]) -> bool:
    if event != "open" or not isinstance(arguments[0], str) or arguments[0] == os.devnull:
        return False
    mode, flags = arguments[1], arguments[2]
    writing = (
        bool(set(mode) & set("wax+")) if isinstance(mode, str) else bool(flags & (os.O_WRONLY | os.O_RDWR))
    )
    return writing and Path(arguments[0]).suffix != ".pyc"


def _globals() -> dict[str, Any]:
    """Process-wide state that an import has to leave alone."""
    signals = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    found: dict[str, Any] = {
        "signal handlers": signals,
        "the environment": dict(os.environ),
        "the working folder": str(Path.cwd()),
        "the number of threads running": threading.active_count(),
        "the state of Python's random generator": random.getstate(),
    }
    numpy, torch = sys.modules.get("numpy"), sys.modules.get("torch")
    if numpy is not None:
        state = numpy.random.get_state()
        found["the state of numpy's random generator"] = (state[1].tobytes(), state[2])
    if torch is not None:
        found["the state of torch's random generator"] = torch.random.get_rng_state().numpy().tobytes()
        found["torch's number of threads"] = torch.get_num_threads()
        found["torch's default dtype"] = torch.get_default_dtype()
        found["torch's gradient mode"] = torch.is_grad_enabled()
        found["torch's determinism"] = torch.are_deterministic_algorithms_enabled()
    return found


def _answers(
    thing: Any,  # noqa: ANN401  a JSON value
    tables: Sequence[Mapping[str, Any]],
    backwards: bool,
) -> list[Any]:
    from mtlkit.testing.asking import answers, build

    subject = subject_of(_found(thing))
    ordered = tables[::-1] if backwards else tables
    found = [answers(subject, build(subject, table), backwards=backwards) for table in ordered]
    return found[::-1] if backwards else found


def _found(thing: Any) -> Any:  # noqa: ANN401  whatever `describe` described
    if isinstance(thing, dict):
        return Card(**{name: _object(value) for name, value in thing.items()})
    return _object(thing)


def _object(value: Any) -> Any:  # noqa: ANN401  the object at a module and qualified name, or the value itself
    if not isinstance(value, list):
        return value
    found: Any = import_module(value[0])
    for name in value[1].split("."):
        found = getattr(found, name)
    return found
